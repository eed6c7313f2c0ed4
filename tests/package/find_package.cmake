# Installs a build, then builds and runs a consumer that finds it.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
install_build()
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK}/build -D CMAKE_BUILD_TYPE=${CONFIG}
    -D CMAKE_PREFIX_PATH=${WORK}/prefix -D CMAKE_CXX_STANDARD=${STANDARD} -D LANGUAGES=${LANGUAGES}
    -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_C_COMPILER=${C} -D CMAKE_CXX_FLAGS=${CXX_FLAGS})
run(${CMAKE_COMMAND} --build ${WORK}/build --config ${CONFIG})
run_consumer(${WORK}/build)
