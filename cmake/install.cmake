# Install rules, the CMake package and the pkg-config file.
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

# What whoever links the static library must link as well.
set(private_libraries)
foreach(library IN LISTS CMAKE_CXX_IMPLICIT_LINK_LIBRARIES)
  if(library MATCHES "^(stdc\\+\\+|c\\+\\+|m)$")
    list(APPEND private_libraries -l${library})
  endif()
endforeach()
if(OpenMP_CXX_FOUND)
  foreach(library IN LISTS OpenMP_CXX_LIB_NAMES)
    cmake_path(GET OpenMP_${library}_LIBRARY PARENT_PATH folder)
    if(NOT folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
      list(APPEND private_libraries -L${folder})  # Clang's is where no linker looks by itself
    endif()
    list(APPEND private_libraries -l${library})
  endforeach()
endif()
if(CUSYNAPSE_HAS_CUDA)
  list(APPEND private_libraries -L${CUDAToolkit_LIBRARY_DIR} -lcudart_static -ldl -lrt -lpthread)
endif()
list(JOIN private_libraries " " private_libraries)
# Folders are relative to the file's own, so that all can be moved together; those that are configured may
# be absolute.
set(pkgconfig_folder ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pc ${pkgconfig_folder} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
file(RELATIVE_PATH includes_from_pc ${pkgconfig_folder} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(cmake/cusynapse.pc.in ${CMAKE_CURRENT_BINARY_DIR}/cusynapse.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cusynapse.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
