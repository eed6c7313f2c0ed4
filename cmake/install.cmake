# Install rules and the CMake package.
include(CMakePackageConfigHelpers)

install(TARGETS cusynapse EXPORT cusynapseTargets)
install(DIRECTORY include/cusynapse DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/cusynapse)
install(EXPORT cusynapseTargets NAMESPACE cusynapse:: DESTINATION ${package_folder})
configure_package_config_file(cmake/cusynapseConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/cusynapseConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/cusynapseConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cusynapseConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/cusynapseConfigVersion.cmake
        DESTINATION ${package_folder})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
