// Errors of the library as exceptions of Python.
#include "cusynapse/error.hpp"

#include <nanobind/nanobind.h>

#include "bindings.hpp"
#include "held.hpp"

namespace cusynapse::python {

void bind_errors() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    const auto set = [](const char* code, const char* message) {
      const nb::object made = nb::module_::import_("cusynapse._errors").attr("make")(code, message);
      PyErr_SetObject(made.type().ptr(), made.ptr());
    };
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      set(to_string(error.code()), error.what());
    } catch (const InUse& error) {
      set("in_use", error.what());
    }
  });
}

}  // namespace cusynapse::python
