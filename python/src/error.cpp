// Errors of the library as exceptions of Python.
#include "cusynapse/error.hpp"

#include <nanobind/nanobind.h>

#include "bindings.hpp"
#include "held.hpp"

namespace cusynapse::python {

void bind_errors() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    const auto raise = [](const nb::object& error) {
      PyErr_SetObject(error.type().ptr(), error.ptr());
    };
    const char* const errors = "cusynapse._errors";
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      raise(nb::module_::import_(errors).attr("make")(to_string(error.code()), error.what()));
    } catch (const InUse& error) {
      raise(nb::module_::import_(errors).attr("in_use")(error.name));
    }
  });
}

}  // namespace cusynapse::python
