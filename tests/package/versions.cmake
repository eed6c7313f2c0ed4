# Which versions a build takes the place of: before 1.0, those of the same minor version up to its own.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
install_build()
set(configure ${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK}/build -D CMAKE_PREFIX_PATH=${WORK}/prefix
    -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_CXX_FLAGS=${CXX_FLAGS})
foreach(version IN ITEMS 0.1 0.1.0)
  run(${configure} -D VERSION=${version})
endforeach()
foreach(version IN ITEMS 0.0 0.1.99 0.2 1.0)
  run_refused("compatible with requested version \"${version}\"" ${configure} -D VERSION=${version})
endforeach()
