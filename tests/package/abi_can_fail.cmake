# The check itself: it must refuse a list that lacks a function, and one that has a function too many; and
# a shared library that exports a function of its own or of a kernel, or needs one of CUDA's.
# Definitions as abi.cmake, WORK, a scratch folder, and CXX.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

# expect_refused(<library> <list> <reason>...): fails unless each reason is given.
function(expect_refused library list)
  execute_process(COMMAND ${CMAKE_COMMAND} -D NM=${NM} -D LIBRARY=${library} -D SHARED=${SHARED}
                          -D HEADER=${HEADER} -D SYMBOLS=${list} -P ${CMAKE_CURRENT_LIST_DIR}/abi.cmake
                  RESULT_VARIABLE result ERROR_VARIABLE errors OUTPUT_QUIET)
  string(REGEX REPLACE "[ \n]+" " " errors "${errors}")
  foreach(reason IN LISTS ARGN)
    string(FIND "${errors}" "${reason}" found)
    if(result EQUAL 0 OR found EQUAL -1)
      message(SEND_ERROR "${library} and ${list} were not refused with '${reason}':\n${errors}")
    endif()
  endforeach()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(READ ${SYMBOLS} symbols)
string(REPLACE "cusynapse_synapse_step\n" "" without "${symbols}")
file(WRITE ${WORK}/without.txt "${without}")
set(without ${WORK}/without.txt)
expect_refused(${LIBRARY} ${without} "cusynapse_synapse_step is in ${HEADER} and not in ${without}"
  "cusynapse_synapse_step is in ${LIBRARY} and not in ${without}")
set(with ${WORK}/with.txt)
file(WRITE ${with} "${symbols}cusynapse_stray\n")
expect_refused(${LIBRARY} ${with} "cusynapse_stray is in ${with} and not in ${HEADER}"
  "cusynapse_stray is in ${with} and not in ${LIBRARY}")

if(SHARED)
  set(stray ${WORK}/libstray.so)
  file(WRITE ${WORK}/stray.cpp
    "extern \"C\" int cudaFree(void*);\n"
    "namespace cusynapse::cuda { int stray() { return cudaFree(nullptr); } }\n"
    "int stray = 0;\n")
  run(${CXX} -std=c++17 -shared -fPIC -o ${stray} ${WORK}/stray.cpp)
  expect_refused(${stray} ${SYMBOLS} "${stray} exports stray"
    "${stray} exports _ZN9cusynapse4cuda5strayEv" "${stray} needs cudaFree of CUDA to be loaded")
endif()
