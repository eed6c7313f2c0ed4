// The functions of the CUDA runtime that the library and its tests call, for a device that this
// program emulates. What is enqueued runs when the host waits for it and not before, so that
// whoever does not wait sees it; device memory has addresses that the host cannot use.
#include "emulated/cuda_runtime.hpp"

#include <cuda_runtime_api.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulated/machine.hpp"

namespace {

using emulated::Address;
using Work = std::function<void()>;

// What the library asks of a device: an H200's, by the CUDA C++ Programming Guide, "Technical
// Specifications per Compute Capability" (9.0).
constexpr int multiprocessors = 132;
constexpr int shared_bytes_of_a_multiprocessor = 228 * 1024;
constexpr int reserved_shared_bytes = 1024;
constexpr int most_shared_bytes = shared_bytes_of_a_multiprocessor - reserved_shared_bytes;
constexpr std::size_t unasked_shared_bytes = 48 * 1024;
constexpr unsigned newest_architecture = 90;  // PTX for newer ones is not for this device

struct Function {
  emulated::Module* module = nullptr;
  std::string name;
  std::size_t most_shared_bytes = unasked_shared_bytes;
};

}  // namespace

// The types behind the runtime's handles.
struct CUgraph_st {
  std::vector<Work> nodes;
};
struct CUgraphExec_st {
  std::vector<Work> nodes;
};
struct CUstream_st {
  bool blocks = true;  // as the default stream does
  std::deque<Work> queue;
  std::unique_ptr<CUgraph_st> capture;
  bool is_invalid = false;  // the capture
};
struct CUevent_st {
  CUstream_st* stream = nullptr;
  bool happened = true;
  std::chrono::steady_clock::time_point time;
};

namespace {

class Runtime {
 public:
  // Never destroyed: programs free their memory as they end.
  static Runtime& instance() {
    static Runtime* const runtime = new Runtime;
    return *runtime;
  }

  std::recursive_mutex mutex;
  emulated::DeviceMemory memory;
  emulated::Machine machine{memory};
  std::map<const void*, Function> functions;
  std::vector<std::unique_ptr<emulated::Module>> modules;
  std::set<CUstream_st*> streams;
  CUstream_st default_stream;
  bool has_ptx = true;  // for all kernels

  CUstream_st& stream(cudaStream_t handle) { return handle == nullptr ? default_stream : *handle; }

  // The status of a call: remembered where it is an error. A fault stays.
  cudaError_t status(cudaError_t result) {
    if (fault_ != cudaSuccess) result = fault_;
    if (result != cudaSuccess) last_error_ = result;
    return result;
  }

  cudaError_t last_error() {
    const cudaError_t result = last_error_;
    last_error_ = fault_;
    return result;
  }

  // Whether some stream is being captured, which calls that are not may not do: it is lost then.
  bool spoils_a_capture() {
    bool spoils = false;
    for (CUstream_st* const each : streams) {
      if (each->capture != nullptr) spoils = each->is_invalid = true;
    }
    return spoils;
  }

  cudaError_t enqueue(cudaStream_t handle, Work work) {
    CUstream_st& to = stream(handle);
    if (to.capture != nullptr) {
      to.capture->nodes.push_back(std::move(work));
      return cudaSuccess;
    }
    if (&to == &default_stream) {
      for (CUstream_st* const each : streams) {
        if (each->blocks) drain(*each);
      }
    } else if (to.blocks) {
      drain(default_stream);
    }
    to.queue.push_back(std::move(work));
    return cudaSuccess;
  }

  void drain(CUstream_st& stream) {
    while (!stream.queue.empty()) {
      const Work work = std::move(stream.queue.front());
      stream.queue.pop_front();
      run(work);
    }
  }

  void drain_all() {
    drain(default_stream);
    for (CUstream_st* const each : streams) drain(*each);
  }

  void run(const Work& work) {
    if (fault_ != cudaSuccess) return;
    try {
      work();
    } catch (const std::exception& problem) {
      static_cast<void>(std::fprintf(stderr, "emulated device: %s\n", problem.what()));
      fault_ = cudaErrorLaunchFailure;
    }
  }

  cudaError_t launch(const void* function, dim3 grid, dim3 block, void** arguments,
                     std::size_t shared_bytes, cudaStream_t handle) {
    const auto found = functions.find(function);
    if (found == functions.end()) return cudaErrorInvalidDeviceFunction;
    const emulated::Kernel& kernel = found->second.module->kernel(found->second.name);
    note(kernel.name);
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 2147483647 || grid.y > 65535 ||
        grid.z > 65535 || block.x == 0 || block.y == 0 || block.z == 0) {
      return cudaErrorInvalidConfiguration;
    }
    if (block.x * block.y * block.z > static_cast<unsigned>(kernel.most_threads)) {
      return cudaErrorLaunchOutOfResources;
    }
    if (shared_bytes > found->second.most_shared_bytes) return cudaErrorInvalidValue;
    emulated::Launch launch;
    launch.kernel = &kernel;
    launch.grid = {grid.x, grid.y, grid.z};
    launch.block = {block.x, block.y, block.z};
    launch.shared_bytes = shared_bytes;
    launch.parameters.resize(kernel.parameter_bytes);
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
      const auto [offset, bytes] = kernel.parameters[i];
      std::memcpy(launch.parameters.data() + offset, arguments[i], bytes);
    }
    return enqueue(handle, [this, launch] { machine.run(launch); });
  }

 private:
  // Writes down which kernels are launched, where the environment names a folder for it.
  void note(const std::string& kernel) {
    const char* const folder = std::getenv("EMULATED_KERNELS");
    if (folder == nullptr || !launched_.insert(kernel).second) return;
    std::ofstream(folder + ("/" + std::to_string(getpid())), std::ios::app) << kernel << '\n';
  }

  std::set<std::string> launched_;
  cudaError_t fault_ = cudaSuccess;
  static thread_local cudaError_t last_error_;
};

thread_local cudaError_t Runtime::last_error_ = cudaSuccess;

// Calls a function on the runtime, one call at a time.
template <class Call>
cudaError_t call(const Call& call) {
  Runtime& runtime = Runtime::instance();
  const std::lock_guard<std::recursive_mutex> lock(runtime.mutex);
  return runtime.status(call(runtime));
}

// ---- What nvcc puts into programs: PTX in a container, whose form is only in what others have
// read of it.

struct ContainerOfContainers {
  std::uint32_t magic;
  std::uint32_t version;
  const std::uint8_t* container;
};
struct ContainerHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t bytes;
};
struct EntryHeader {
  std::uint16_t kind;
  std::uint16_t version;
  std::uint32_t header_bytes;
  std::uint64_t bytes;
  std::uint32_t compressed_bytes;
  std::uint32_t options;
  std::uint16_t minor;
  std::uint16_t major;
  std::uint32_t architecture;
};
constexpr std::uint16_t kind_ptx = 1;

struct Configuration {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};
thread_local Configuration configuration;

// The newest PTX that this device may run.
std::string ptx_of(const void* wrapper) {
  ContainerOfContainers outer;
  std::memcpy(&outer, wrapper, sizeof(outer));
  ContainerHeader header;
  std::memcpy(&header, outer.container, sizeof(header));
  if (header.magic != 0xBA55ED50) throw std::runtime_error("not a container of device code");
  std::string newest;
  unsigned newest_found = 0;
  const std::uint8_t* at = outer.container + header.header_bytes;
  const std::uint8_t* const end = at + header.bytes;
  while (at < end) {
    EntryHeader entry;
    std::memcpy(&entry, at, sizeof(entry));
    const char* const payload = reinterpret_cast<const char*>(at + entry.header_bytes);
    if (entry.kind == kind_ptx && entry.architecture <= newest_architecture &&
        entry.architecture >= newest_found) {
      newest.assign(payload, strnlen(payload, entry.bytes));
      newest_found = entry.architecture;
    }
    at += entry.header_bytes + entry.bytes;
  }
  // Compressed (nvcc without --no-compress), or for real architectures alone.
  if (newest.find(".version") == std::string::npos) newest.clear();
  return newest;
}

}  // namespace

std::vector<std::string> emulated::kernel_names() {
  std::vector<std::string> names;
  for (const auto& [address, function] : Runtime::instance().functions)
    names.push_back(function.name);
  return names;
}

std::map<std::string, std::size_t> emulated::asked_shared_bytes() {
  std::map<std::string, std::size_t> asked;
  for (const auto& [address, function] : Runtime::instance().functions) {
    if (function.most_shared_bytes > unasked_shared_bytes) {
      asked[function.name] = function.most_shared_bytes;
    }
  }
  return asked;
}

emulated::Traffic emulated::traffic_of(const std::function<void()>& work) {
  Runtime& runtime = Runtime::instance();
  const std::lock_guard<std::recursive_mutex> lock(runtime.mutex);
  Traffic traffic;
  runtime.drain_all();
  runtime.machine.count_into(&traffic);
  work();
  runtime.drain_all();
  runtime.machine.count_into(nullptr);
  return traffic;
}

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  Runtime& runtime = Runtime::instance();
  const std::string ptx = ptx_of(wrapper);
  if (ptx.empty()) runtime.has_ptx = false;
  runtime.modules.push_back(std::make_unique<emulated::Module>(ptx));
  return reinterpret_cast<void**>(runtime.modules.back().get());
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void** module, const char* host_function, char*, const char* name, int,
                            uint3*, uint3*, dim3*, dim3*, int*) {
  Function& function = Runtime::instance().functions[host_function];
  function.module = reinterpret_cast<emulated::Module*>(module);
  function.name = name;
}
// What kernel<<<...>>>(...) is compiled to: the configuration is put down, then taken up by a
// function on the host that stands for the kernel.
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_bytes,
                                     CUstream_st* stream) {
  configuration = {grid, block, shared_bytes, stream};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared_bytes,
                                       void* stream) {
  *grid = configuration.grid;
  *block = configuration.block;
  *shared_bytes = configuration.shared_bytes;
  *static_cast<cudaStream_t*>(stream) = configuration.stream;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                               size_t shared_bytes, cudaStream_t stream) {
  return cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes, stream);
}

// ---- Devices and errors.

cudaError_t cudaGetDeviceCount(int* count) {
  return call([&](Runtime& runtime) {
    *count = runtime.has_ptx ? 1 : 0;
    return runtime.has_ptx ? cudaSuccess : cudaErrorNoDevice;
  });
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return call([&](Runtime&) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; });
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = multiprocessors;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = most_shared_bytes;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = shared_bytes_of_a_multiprocessor;
      return cudaSuccess;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      *value = reserved_shared_bytes;
      return cudaSuccess;
    default:
      return call([](Runtime&) { return cudaErrorInvalidValue; });
  }
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return call([&](Runtime&) {
    if (device != 0) return cudaErrorInvalidDevice;
    *properties = {};
    static_cast<void>(std::snprintf(properties->name, sizeof(properties->name), "emulated device"));
    properties->major = newest_architecture / 10;
    properties->minor = newest_architecture % 10;
    properties->multiProcessorCount = multiprocessors;
    properties->l2CacheSize = 0;  // it has no cache
    return cudaSuccess;
  });
}
cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return Runtime::instance().last_error(); }
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice: the kernels' PTX for compute capability 9.0 or less is not there";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorLaunchOutOfResources:
      return "cudaErrorLaunchOutOfResources";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated:
      return "cudaErrorStreamCaptureInvalidated";
    default:
      return "an error of the emulated device";
  }
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }

// ---- Memory.

cudaError_t cudaMalloc(void** data, size_t bytes) {
  return call([&](Runtime& runtime) {
    if (runtime.spoils_a_capture()) return cudaErrorStreamCaptureUnsupported;
    *data = runtime.memory.allocate(bytes);
    return *data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}
cudaError_t cudaFree(void* data) {
  return call([&](Runtime& runtime) {
    if (data == nullptr) return cudaSuccess;
    if (runtime.spoils_a_capture()) return cudaErrorStreamCaptureUnsupported;
    runtime.drain_all();
    return runtime.memory.free(data) ? cudaSuccess : cudaErrorInvalidValue;
  });
}
cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    return runtime.enqueue(stream, [&runtime, data, value, bytes] {
      const auto address = reinterpret_cast<Address>(data);
      static_cast<void>(runtime.memory.find(address, bytes));
      std::memset(runtime.memory.host(address), value, bytes);
      std::memset(runtime.memory.written(address), 1, bytes);
    });
  });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    emulated::DeviceMemory& memory = runtime.memory;
    const auto target = reinterpret_cast<Address>(to);
    const auto source = reinterpret_cast<Address>(from);
    const bool to_device = memory.is_device(target);
    const bool from_device = memory.is_device(source);
    const auto check = [&memory, bytes](Address address) {
      static_cast<void>(memory.find(address, bytes));
    };
    const auto check_source = [&memory, bytes](Address address) {
      const emulated::Allocation& allocation = memory.find(address, bytes);
      const std::uint8_t* const written = memory.written(address);
      const auto* const first = static_cast<const std::uint8_t*>(std::memchr(written, 0, bytes));
      if (first == nullptr) return;
      const auto at = static_cast<Address>(first - written) + address - allocation.begin;
      throw emulated::Fault("a copy of memory that was never written, at byte " +
                            std::to_string(at) + " of an allocation of " +
                            std::to_string(allocation.end - allocation.begin));
    };
    if (to_device && from_device) {
      return runtime.enqueue(stream, [&memory, check, check_source, target, source, bytes] {
        check(target);
        check_source(source);
        std::memmove(memory.host(target), memory.host(source), bytes);
        std::memset(memory.written(target), 1, bytes);
      });
    }
    if (to_device) {  // the host may change its memory as soon as this call returns
      const auto* const first = static_cast<const std::uint8_t*>(from);
      const std::vector<std::uint8_t> values(first, first + bytes);
      return runtime.enqueue(stream, [&memory, check, target, values] {
        check(target);
        std::memcpy(memory.host(target), values.data(), values.size());
        std::memset(memory.written(target), 1, values.size());
      });
    }
    if (!from_device) return cudaErrorInvalidValue;
    const cudaError_t result = runtime.enqueue(stream, [&memory, check_source, to, source, bytes] {
      check_source(source);
      std::memcpy(to, memory.host(source), bytes);
    });
    // A copy to memory that is not pinned has been made when the call returns.
    if (runtime.stream(stream).capture == nullptr) runtime.drain(runtime.stream(stream));
    return result;
  });
}

// ---- Streams, events and graphs.

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return call([&](Runtime& runtime) {
    *stream = new CUstream_st;
    (*stream)->blocks = flags != cudaStreamNonBlocking;
    runtime.streams.insert(*stream);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    runtime.drain(*stream);
    runtime.streams.erase(stream);
    delete stream;
    return cudaSuccess;
  });
}
cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return call([&](Runtime& runtime) {
    CUstream_st& stream = runtime.stream(handle);
    if (stream.capture != nullptr) {
      stream.is_invalid = true;
      return cudaErrorStreamCaptureUnsupported;
    }
    runtime.drain(stream);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  return call([&](Runtime&) {
    if (stream == nullptr) return cudaErrorStreamCaptureUnsupported;
    if (stream->capture != nullptr) return cudaErrorIllegalState;
    stream->capture = std::make_unique<CUgraph_st>();
    stream->is_invalid = false;
    return cudaSuccess;
  });
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return call([&](Runtime&) {
    *graph = nullptr;
    if (stream->capture == nullptr) return cudaErrorIllegalState;
    const std::unique_ptr<CUgraph_st> captured = std::move(stream->capture);
    if (stream->is_invalid) return cudaErrorStreamCaptureInvalidated;
    *graph = new CUgraph_st(*captured);
    return cudaSuccess;
  });
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  if (nodes != nullptr) return call([](Runtime&) { return cudaErrorNotSupported; });
  *count = graph->nodes.size();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* instance, cudaGraph_t graph, unsigned long long) {
  *instance = new CUgraphExec_st{graph->nodes};
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* instance, cudaGraph_t graph,
                                          unsigned long long flags) {
  return cudaGraphInstantiate(instance, graph, flags);
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    for (const Work& node : instance->nodes) {
      const cudaError_t result = runtime.enqueue(stream, node);
      if (result != cudaSuccess) return result;
    }
    return cudaSuccess;
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t instance) {
  delete instance;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&](Runtime& runtime) {
    runtime.drain_all();
    delete event;
    return cudaSuccess;
  });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    event->stream = &runtime.stream(stream);
    event->happened = false;
    return runtime.enqueue(stream, [event] {
      event->happened = true;
      event->time = std::chrono::steady_clock::now();
    });
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call([&](Runtime& runtime) {
    if (event->stream != nullptr) runtime.drain(*event->stream);
    return cudaSuccess;
  });
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t first, cudaEvent_t second) {
  return call([&](Runtime&) {
    if (!first->happened || !second->happened) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(second->time - first->time).count();
    return cudaSuccess;
  });
}

// ---- Kernels.

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  return call([&](Runtime& runtime) {
    const auto found = runtime.functions.find(function);
    if (found == runtime.functions.end()) return cudaErrorInvalidDeviceFunction;
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        value > most_shared_bytes) {
      return cudaErrorInvalidValue;
    }
    found->second.most_shared_bytes = static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}
cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** arguments,
                             size_t shared_bytes, cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    try {
      return runtime.launch(function, grid, block, arguments, shared_bytes, stream);
    } catch (const std::exception& problem) {
      static_cast<void>(std::fprintf(stderr, "%s\n", problem.what()));
      return cudaErrorInvalidDeviceFunction;
    }
  });
}

}  // extern "C"
