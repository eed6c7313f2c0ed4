# run(<command>...): runs it and fails with its output unless it succeeds.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\nended with ${result}:\n${output}")
  endif()
endfunction()

# run_consumer(<folder>): runs the consumer built there and checks what it prints.
function(run_consumer folder)
  execute_process(COMMAND ${folder}/consumer RESULT_VARIABLE result OUTPUT_VARIABLE output)
  if(NOT result EQUAL 0 OR NOT output MATCHES "current 4 nA")
    message(FATAL_ERROR "the consumer ended with ${result} and printed:\n${output}")
  endif()
endfunction()
