# Installs a build, moves it, then builds a program of C by a plain compiler and pkg-config.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
install_build()
file(RENAME ${WORK}/prefix ${WORK}/moved)
file(GLOB_RECURSE pc_file ${WORK}/moved/cusynapse.pc)
cmake_path(GET pc_file PARENT_PATH pc_folder)
cmake_path(GET pc_folder PARENT_PATH library_folder)
set(static --static)
if(SHARED)
  set(static)
endif()
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${pc_folder} ${PKG_CONFIG} --cflags --libs ${static} cusynapse
  RESULT_VARIABLE result OUTPUT_VARIABLE flags ERROR_VARIABLE error)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "pkg-config ended with ${result}: ${error}")
endif()
separate_arguments(flags UNIX_COMMAND "${flags}")
separate_arguments(cxx_flags UNIX_COMMAND "${CXX_FLAGS}")
list(FILTER cxx_flags INCLUDE REGEX "^-fsanitize")  # what is built with a sanitizer is linked with it
run(${C} -std=c99 ${cxx_flags} -o ${WORK}/consumer ${CONSUMER}/consumer.c ${flags})
run_consumer(${WORK} ${library_folder})
