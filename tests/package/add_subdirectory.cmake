# Builds and runs a consumer that has the project as a subdirectory.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK}/build -D CUSYNAPSE_SOURCE=${SOURCE} -D CUSYNAPSE_CUDA=OFF
    -D CMAKE_BUILD_TYPE=Debug -D CMAKE_CXX_COMPILER=${CXX})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run_consumer(${WORK}/build)
# A subproject leaves the parent's tests, examples and install rules alone.
foreach(folder IN ITEMS tests examples bench)
  if(EXISTS ${WORK}/build/cusynapse/${folder})
    message(FATAL_ERROR "as a subdirectory the project builds its ${folder}")
  endif()
endforeach()
