# A project of C alone: it takes a shared library, and is told what a static one needs.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
install_build()
set(configure ${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK}/build -D CMAKE_BUILD_TYPE=${CONFIG}
    -D CMAKE_PREFIX_PATH=${WORK}/prefix -D LANGUAGES=C -D CMAKE_C_COMPILER=${C})
if(SHARED)
  run(${configure})
  run(${CMAKE_COMMAND} --build ${WORK}/build --config ${CONFIG})
  run_consumer(${WORK}/build)
else()
  run_refused("add CXX to the project's languages" ${configure})
endif()
