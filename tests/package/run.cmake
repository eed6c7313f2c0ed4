# run(<command>...): runs it and fails with its output unless it succeeds.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\nended with ${result}:\n${output}")
  endif()
endfunction()

# run_refused(<expected> <command>...): runs it and fails unless it fails and says what is expected.
function(run_refused expected)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " said "${output}")
  if(result EQUAL 0 OR NOT said MATCHES "${expected}")
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nwas not refused with '${expected}' but ended with ${result}:\n${output}")
  endif()
endfunction()

# run_consumer(<folder> [<library folder>]): runs the consumer built there and checks what it prints.
function(run_consumer folder)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${ARGN} ${folder}/consumer
                  RESULT_VARIABLE result OUTPUT_VARIABLE output)
  if(NOT result EQUAL 0 OR NOT output MATCHES "current 4 nA")
    message(FATAL_ERROR "the consumer ended with ${result} and printed:\n${output}")
  endif()
endfunction()

# install_build(): installs the build ${BUILD} into ${WORK}/prefix, which is emptied before.
macro(install_build)
  file(REMOVE_RECURSE ${WORK})
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --config ${CONFIG})
endmacro()
