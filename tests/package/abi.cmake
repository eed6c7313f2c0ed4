# The functions of C are those of the committed list: in the header, and in the library; and a shared
# library exports nothing else but what belongs to namespace cusynapse, of that no kernels, and needs
# nothing of CUDA to be loaded.
#
# cmake -D NM=<nm> -D LIBRARY=<library> -D SHARED=<whether it is shared> -D HEADER=<cusynapse.h>
#       -D SYMBOLS=<list> -P abi.cmake. Fails with every difference.

cmake_minimum_required(VERSION 3.25)

# expect_same(<what> <names>): compares with the list, both ways.
function(expect_same what)
  foreach(name IN LISTS ARGN)
    if(NOT name IN_LIST expected)
      message(SEND_ERROR "${name} is in ${what} and not in ${SYMBOLS}")
    endif()
  endforeach()
  foreach(name IN LISTS expected)
    if(NOT name IN_LIST ARGN)
      message(SEND_ERROR "${name} is in ${SYMBOLS} and not in ${what}")
    endif()
  endforeach()
endfunction()

# read_symbols(<variable> <options>...): the names nm prints for the library.
function(read_symbols variable)
  execute_process(COMMAND ${NM} --format=posix ${ARGN} ${LIBRARY} RESULT_VARIABLE result
                  OUTPUT_VARIABLE symbols ERROR_VARIABLE error)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${NM} ended with ${result}: ${error}")
  endif()
  string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
  list(FILTER symbols INCLUDE REGEX "^[^ ]+ [A-Za-z]( |$)")
  list(TRANSFORM symbols REPLACE " .*" "")
  set(${variable} ${symbols} PARENT_SCOPE)
endfunction()

file(STRINGS ${SYMBOLS} expected REGEX "^cusynapse_")

file(READ ${HEADER} header)
string(REGEX REPLACE "/\\*([^*]|\\*+[^*/])*\\*+/" "" header "${header}")
string(REGEX MATCHALL "CUSYNAPSE_EXPORT[^;(]*\\(" declarations "${header}")
list(TRANSFORM declarations REPLACE ".*[ \n*](cusynapse_[a-z0-9_]+)\\($" "\\1")
expect_same(${HEADER} ${declarations})

set(options --defined-only --extern-only)
if(SHARED)
  list(APPEND options --dynamic)
endif()
read_symbols(symbols ${options})
set(c_symbols ${symbols})
list(FILTER c_symbols INCLUDE REGEX "^cusynapse_")
expect_same(${LIBRARY} ${c_symbols})

if(SHARED)
  set(kernels ${symbols})
  list(FILTER kernels INCLUDE REGEX "^_Z(NK?|T[ISV]N)9cusynapse(7kernels|3cpu|4cuda)")
  list(FILTER symbols EXCLUDE REGEX "^(cusynapse_|_ZNK?9cusynapse|_ZT[ISV]N9cusynapse)")
  foreach(symbol IN LISTS symbols kernels)
    message(SEND_ERROR "${LIBRARY} exports ${symbol}")
  endforeach()

  read_symbols(needed --undefined-only --dynamic)
  list(FILTER needed INCLUDE REGEX "^_*cu(da)?[A-Z]")
  foreach(symbol IN LISTS needed)
    message(SEND_ERROR "${LIBRARY} needs ${symbol} of CUDA to be loaded")
  endforeach()
endif()
