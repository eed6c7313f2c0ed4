// The extension module, cusynapse._core.
#include <nanobind/nanobind.h>

#include "bindings.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/version.hpp"

#define CUSYNAPSE_TEXT_OF(number) #number
#define CUSYNAPSE_TEXT(number) CUSYNAPSE_TEXT_OF(number)

namespace cusynapse::python {

NB_MODULE(_core, module) {
  module.doc() = "Objects of the library. Import them from cusynapse.";
  module.attr("version") = CUSYNAPSE_TEXT(CUSYNAPSE_VERSION_MAJOR) "." CUSYNAPSE_TEXT(
      CUSYNAPSE_VERSION_MINOR) "." CUSYNAPSE_TEXT(CUSYNAPSE_VERSION_PATCH);
  nb::set_leak_warnings(
      false);  // views of parameters may outlive the interpreter in other libraries
  module.def("cuda_device_count", &cuda_device_count,
             "How many GPUs this process can use: 0 without a CUDA build, a driver, or a GPU.");
  bind_errors();
  bind_arrays(module);
  bind_synapses(module);
  bind_groups(module);
  bind_histories(module);
  bind_connections(module);
  bind_updaters(module);
  bind_projections(module);
  bind_neurons(module);
  bind_states(module);
}

}  // namespace cusynapse::python
