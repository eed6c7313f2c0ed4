# Who may include whom: cmake -D SOURCE=<project> -P check_layers.cmake. Fails with every broken rule.
#
# include sees include; kernels see include and kernels; host sees include, host and kernels/backend.hpp;
# python sees include.
# No CUDA, CCCL or OpenMP header under include; __global__ only in kernels/cuda/launch.cuh; one file asks
# whether CUDA was built; of the kernels, only cuda/ includes CUDA's headers.

function(refuse file rule)
  message(SEND_ERROR "${file}: ${rule}")
endfunction()

function(check_folder folder allowed)
  file(GLOB_RECURSE files RELATIVE ${SOURCE} ${SOURCE}/${folder}/*.hpp ${SOURCE}/${folder}/*.h
       ${SOURCE}/${folder}/*.cpp ${SOURCE}/${folder}/*.cu ${SOURCE}/${folder}/*.cuh)
  if(NOT files)
    refuse(${folder} "holds no sources to check")
  endif()
  foreach(file IN LISTS files)
    file(STRINGS ${SOURCE}/${file} includes REGEX "^ *# *include")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE ".*[<\"]([^>\"]*)[>\"].*" "\\1" header "${line}")
      if(header MATCHES "^(cusynapse|kernels|host|tests|bench|examples)/" AND NOT header MATCHES "${allowed}")
        refuse(${file} "may not include ${header}")
      endif()
      if(header MATCHES "^(cuda|cub/|thrust/|omp\\.h|nv/)")
        if(NOT file MATCHES "^kernels/cuda/" AND NOT (header STREQUAL "omp.h" AND file MATCHES "^kernels/cpu/"))
          refuse(${file} "may not include ${header}")
        endif()
      endif()
    endforeach()
    file(READ ${SOURCE}/${file} text)
    string(REGEX REPLACE "//[^\n]*" "" text "${text}")
    if(text MATCHES "__global__" AND NOT file STREQUAL "kernels/cuda/launch.cuh")
      refuse(${file} "may not hold __global__")
    endif()
    if(text MATCHES "CUSYNAPSE_HAS_CUDA" AND NOT file STREQUAL "host/dispatch.cpp")
      refuse(${file} "may not ask whether CUDA was built")
    endif()
  endforeach()
endfunction()

check_folder(include "^cusynapse/")
check_folder(kernels/bodies "^(cusynapse|kernels/bodies)/")
check_folder(kernels/cpu "^(cusynapse/|kernels/(backend\\.hpp|bodies/|cpu/))")
check_folder(kernels/cuda "^(cusynapse/|kernels/(backend\\.hpp|bodies/|cuda/))")
check_folder(host "^(cusynapse/|host/|kernels/backend\\.hpp)")
check_folder(python/src "^cusynapse/")
