# The check itself: it must refuse a copy of the project with one rule broken, for each rule.
# cmake -D SOURCE=<project> -D WORK=<scratch folder> -P check_layers_can_fail.cmake

function(expect_refused file line reason)
  file(REMOVE_RECURSE ${WORK})
  file(COPY ${SOURCE}/include ${SOURCE}/kernels ${SOURCE}/host ${SOURCE}/python DESTINATION ${WORK})
  file(APPEND ${WORK}/${file} "\n${line}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -D SOURCE=${WORK}
                          -P ${CMAKE_CURRENT_LIST_DIR}/check_layers.cmake
                  RESULT_VARIABLE result ERROR_VARIABLE errors OUTPUT_QUIET)
  if(result EQUAL 0 OR NOT errors MATCHES "${reason}")
    message(SEND_ERROR "'${line}' in ${file} was not refused with '${reason}':\n${errors}")
  endif()
endfunction()

expect_refused(include/cusynapse/view.hpp "#include \"kernels/backend.hpp\"" "may not include kernels")
expect_refused(include/cusynapse/view.hpp "#include <cuda_runtime.h>" "may not include cuda_runtime")
expect_refused(include/cusynapse/view.hpp "#include <omp.h>" "may not include omp.h")
expect_refused(kernels/bodies/access.hpp "#include \"kernels/backend.hpp\"" "may not include kernels/backend")
expect_refused(kernels/cpu/launch.hpp "#include \"host/check.hpp\"" "may not include host")
expect_refused(kernels/cuda/launch.cuh "#include \"kernels/cpu/launch.hpp\"" "may not include kernels/cpu")
expect_refused(host/check.hpp "#include \"kernels/bodies/access.hpp\"" "may not include kernels/bodies")
expect_refused(kernels/cuda/ring_operations.cu "__global__ void stray() {}" "may not hold __global__")
expect_refused(host/ops.cpp "#if defined(CUSYNAPSE_HAS_CUDA)" "may not ask whether CUDA")
expect_refused(python/src/module.cpp "#include \"host/check.hpp\"" "may not include host")
file(REMOVE_RECURSE ${WORK})
