# The check itself: it must refuse a list that lacks a function, and one that has a function too many.
# Definitions as abi.cmake, and WORK, a scratch folder.

function(expect_refused list reason)
  execute_process(COMMAND ${CMAKE_COMMAND} -D NM=${NM} -D LIBRARY=${LIBRARY} -D SHARED=${SHARED}
                          -D HEADER=${HEADER} -D SYMBOLS=${list} -P ${CMAKE_CURRENT_LIST_DIR}/abi.cmake
                  RESULT_VARIABLE result ERROR_VARIABLE errors OUTPUT_QUIET)
  string(REGEX REPLACE "[ \n]+" " " errors "${errors}")
  foreach(place IN ITEMS ${HEADER} ${LIBRARY})
    string(REPLACE "<place>" "${place}" expected "${reason}")
    string(FIND "${errors}" "${expected}" found)
    if(result EQUAL 0 OR found EQUAL -1)
      message(SEND_ERROR "${list} was not refused with '${expected}':\n${errors}")
    endif()
  endforeach()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(READ ${SYMBOLS} symbols)
string(REPLACE "cusynapse_synapse_step\n" "" without "${symbols}")
file(WRITE ${WORK}/without.txt "${without}")
expect_refused(${WORK}/without.txt "cusynapse_synapse_step is in <place> and not in ${WORK}/without.txt")
file(WRITE ${WORK}/with.txt "${symbols}cusynapse_stray\n")
expect_refused(${WORK}/with.txt "cusynapse_stray is in ${WORK}/with.txt and not in <place>")
