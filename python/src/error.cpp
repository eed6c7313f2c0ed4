// Errors of the library as exceptions of Python.
#include "cusynapse/error.hpp"

#include <nanobind/nanobind.h>

#include "bindings.hpp"

namespace cusynapse::python {

void bind_errors() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      const nb::object made = nb::module_::import_("cusynapse._errors")
                                  .attr("make")(to_string(error.code()), error.what());
      PyErr_SetObject(made.type().ptr(), made.ptr());
    }
  });
}

}  // namespace cusynapse::python
