# The CUDA backend: whether it is built, for which architectures, and from what.
#
# Sets CUSYNAPSE_HAS_CUDA. Must be included, not called: enabling a language acts on the directory.

set(CUSYNAPSE_HAS_CUDA OFF)
if(NOT CUSYNAPSE_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  set(hindrance "")
  if(CMAKE_CUDA_COMPILER)
    # Enabling the language compiles for the architectures, some of which an older compiler refuses.
    execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --version OUTPUT_VARIABLE compiler_version)
    if(compiler_version MATCHES "release ([0-9]+\\.[0-9]+)" AND CMAKE_MATCH_1 VERSION_LESS 13.0)
      set(hindrance "CUDA ${CMAKE_MATCH_1} was found, 13.0 or later is needed")
    endif()
  else()
    set(hindrance "no CUDA compiler was found")
  endif()
  if(NOT hindrance)
    if(NOT CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
      # nvcc 13 starts at compute capability 7.5. Devices of 8.7 and 8.9 run the code of 8.6.
      set(CMAKE_CUDA_ARCHITECTURES 75 80 86 90 100 120)
    endif()
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    set(CUSYNAPSE_HAS_CUDA ON)
  elseif(CUSYNAPSE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "CUSYNAPSE_CUDA is ON, but ${hindrance}")
  else()
    message(STATUS "The CPU backend is built alone: ${hindrance}")
  endif()
endif()

# cusynapse_add_cuda_backend(<target>): adds the kernels. The runtime is linked statically, so that a
# program starts on a machine without a driver.
function(cusynapse_add_cuda_backend target)
  target_sources(${target} PRIVATE
    kernels/cuda/dense_operations.cu  # those that take longest to compile come first
    kernels/cuda/step_operations.cu
    kernels/cuda/connection_operations.cu
    kernels/cuda/select_operations.cu
    kernels/cuda/projection_operations.cu
    kernels/cuda/ring_operations.cu
    kernels/cuda/update_operations.cu
    kernels/cuda/neuron_operations.cu
    kernels/cuda/cuda_backend.cu)
  # The one file that asks whether the backend was built.
  set_source_files_properties(host/dispatch.cpp PROPERTIES
    COMPILE_DEFINITIONS CUSYNAPSE_HAS_CUDA=1)
  # No C++ file includes a header of CUDA: all compile as they do without it.
  target_link_libraries(${target} PRIVATE $<LINK_ONLY:CUDA::cudart_static>)
  if(CUSYNAPSE_NVTX AND TARGET CUDA::nvtx3)  # headers alone, among those of the toolkit
    set_source_files_properties(kernels/cuda/cuda_backend.cu PROPERTIES
      COMPILE_DEFINITIONS CUSYNAPSE_HAS_NVTX=1)
  endif()
  set_target_properties(${target} PROPERTIES
    CUDA_STANDARD 17
    CUDA_STANDARD_REQUIRED ON
    CUDA_EXTENSIONS OFF
    CUDA_VISIBILITY_PRESET hidden
    CUDA_RUNTIME_LIBRARY Static)
  # Contraction is off here as on the CPU; relaxed constexpr is not needed. -Xptxas -v prints
  # registers and spills, which the continuous integration reads.
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false -Xcompiler=-ffp-contract=off $<$<BOOL:${CUSYNAPSE_PTXAS_REPORT}>:-Xptxas=-v>>)
endfunction()
