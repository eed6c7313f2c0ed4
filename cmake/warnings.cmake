# cusynapse_set_warnings(<target>): the warnings every target of the project is built with.
function(cusynapse_set_warnings target)
  set(c_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  set(cxx_warnings ${c_warnings} -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual)
  set(cuda_warnings -Xcompiler=-Wall,-Wextra,-Wshadow)
  if(CUSYNAPSE_WARNINGS_AS_ERRORS)
    list(APPEND c_warnings -Werror)
    list(APPEND cxx_warnings -Werror)
    list(APPEND cuda_warnings -Xcompiler=-Werror -Werror=all-warnings)
  endif()
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANG_AND_ID:C,GNU,Clang,AppleClang>:${c_warnings}>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:${cxx_warnings}>
    $<$<COMPILE_LANGUAGE:CUDA>:${cuda_warnings}>)
endfunction()
