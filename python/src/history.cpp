// Circular histories.
#include "cusynapse/history.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include "bindings.hpp"
#include "state.hpp"
#include "storage.hpp"

namespace cusynapse::python {
namespace {

using namespace nb::literals;

// A history of any element type.
struct HistoryObject {
  Held<History<float>, History<double>, History<float16>, History<bfloat16>, History<bool>> history;
};

using Self = HistoryObject;
using Class = nb::class_<Self>;
constexpr const char* name = "History";

// Observations of T, in and out: a boolean history's are spikes.
template <class T>
auto values_in(Call& call, const char* what, const Array& array) {
  if constexpr (std::is_same_v<T, bool>) {
    return call.spikes_in(what, array);
  } else {
    return call.in<typename History<T>::Value>(what, array);
  }
}
template <class T>
auto values_out(Call& call, const std::optional<Array>& out, const Shape& shape) {
  if constexpr (std::is_same_v<T, bool>) {
    return call.spikes_out(out, shape);
  } else {
    return call.out<typename History<T>::Value>(out, shape);
  }
}

bool is_number(const Times& times) {
  return nb::isinstance<nb::float_>(times.object) || nb::isinstance<nb::int_>(times.object);
}

Interpolation to_interpolation(const std::string& word) {
  return choose<Interpolation>("History.select", "interpolation", word,
                               {{"previous", Interpolation::previous},
                                {"next", Interpolation::next},
                                {"nearest", Interpolation::nearest},
                                {"linear", Interpolation::linear},
                                {"exponential_decay", Interpolation::exponential_decay},
                                {"exponential_rate_decay", Interpolation::exponential_rate_decay}});
}

Extrapolation to_extrapolation(const std::string& word) {
  return choose<Extrapolation>("History.insert", "extrapolation", word,
                               {{"previous", Extrapolation::previous},
                                {"next", Extrapolation::next},
                                {"nearest", Extrapolation::nearest},
                                {"neighbors", Extrapolation::neighbors},
                                {"linear_forward", Extrapolation::linear_forward},
                                {"linear_backward", Extrapolation::linear_backward},
                                {"exponential_decay", Extrapolation::exponential_decay},
                                {"exponential_rate_decay", Extrapolation::exponential_rate_decay}});
}

void bind_constructor(Class& bound) {
  bound.def(
      "__init__",
      [](Self* self, const Extents& shape, double step_time, double duration, bool inclusive,
         Integer batch_size, const nb::object& storage, const nb::object& dtype,
         const nb::object& device, StreamHandle stream) {
        HistoryOptions options;
        options.shape = shape.shape();
        options.batch_size = batch_size;
        options.step_time = step_time;
        options.duration = duration;
        options.inclusive = inclusive;
        const StorageName storage_name = to_storage_name(storage);
        Call call(name, "__init__", to_device(device), stream);
        const auto make = [&]<class T>(std::type_identity<T>) {
          visit_storage<T>(to_storage<T>(name, "storage", storage_name), [&](auto element) {
            using Stored = History<decltype(element)>;
            std::shared_ptr<Stored> made;
            call.run([&](const Stream& on) { made = std::make_shared<Stored>(on, options); });
            new (self) Self{{name, std::move(made)}};
          });
        };
        if (dtype_text(dtype) == "bool") return make(std::type_identity<bool>());
        with_element(to_element(dtype), make);
      },
      "shape"_a, "step_time"_a = 1.0, "duration"_a = 0.0, nb::kw_only(), "inclusive"_a = false,
      "batch_size"_a = 1, "storage"_a = nb::none(), "dtype"_a = "float32", "device"_a = "cpu",
      "stream"_a = nb::none());
}

void bind_properties(Class& bound) {
  const auto def_getter = [&](const char* property, auto get, const char* about) {
    bound.def_prop_ro(
        property, [get](const Self& self) { return visit(self.history, get); }, about);
  };
  def_getter(
      "shape", [](auto& h) { return h.shape(); }, "Of one sample.");
  def_getter(
      "batched_shape", [](auto& h) { return h.batched_shape(); }, "Of an observation.");
  def_getter(
      "batch_size", [](auto& h) { return h.batch_size(); }, "Samples an observation.");
  def_getter(
      "step_time", [](auto& h) { return h.step_time(); }, "Between observations, ms.");
  def_getter(
      "duration", [](auto& h) { return h.duration(); }, "How far back it reaches, ms.");
  def_getter(
      "inclusive", [](auto& h) { return h.inclusive(); },
      "Whether the duration itself is reached.");
  def_getter(
      "slots", [](auto& h) { return h.slots(); }, "Observations it holds.");
  def_getter(
      "device", [](auto& h) { return to_string(h.device()); }, "As 'cpu' or 'cuda:0'.");
  bound.def_prop_ro("dtype", [](const Self& self) {
    constexpr const char* names[] = {"float32", "float64", "float32", "float32", "bool"};
    return names[self.history.index()];
  });
  bound.def_prop_ro(
      "storage",
      [](const Self& self) {
        constexpr const char* names[] = {"float32", "float64", "float16", "bfloat16", "bool"};
        return names[self.history.index()];
      },
      "The type observations are stored as.");
  bound.def(
      "pointer",
      [](const Self& self, StreamHandle stream) {
        return visit(self.history, [&](const auto& history) {
          Call call(name, "pointer", history.device(), stream);
          std::int32_t pointer = 0;
          call.run([&](const Stream& on) { pointer = history.pointer(on); });
          return pointer;
        });
      },
      nb::kw_only(), "stream"_a = nb::none(), "The slot the next push writes.");
}

void bind_slots(Class& bound) {
  const auto def_read = [&](const char* function, auto read, const char* about) {
    bound.def(
        function,
        [function, read](const Self& self, const std::optional<Array>& out, StreamHandle stream) {
          return visit(self.history, [&]<class T>(History<T>& history) {
            Call call(name, function, history.device(), stream);
            const auto result = values_out<T>(call, out, history.batched_shape());
            call.run([&](const Stream& on) { read(history, on, result.view); });
            return call.result(result);
          });
        },
        "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(), about);
  };
  def_read(
      "peek", [](auto& h, auto& on, auto out) { h.peek(on, out); }, "The newest observation.");
  def_read(
      "pop", [](auto& h, auto& on, auto out) { h.pop(on, out); },
      "The newest observation, which the next push overwrites.");

  const auto def_move = [&](const char* function, auto move, const char* about) {
    bound.def(
        function,
        [function, move](const Self& self, Integer n, StreamHandle stream) {
          visit(self.history, [&](auto& history) {
            Call call(name, function, history.device(), stream);
            call.run([&](const Stream& on) { move(history, on, n); });
          });
        },
        "n"_a = 1, nb::kw_only(), "stream"_a = nb::none(), about);
  };
  def_move(
      "increment", [](auto& h, auto& on, std::int64_t n) { h.increment(on, n); },
      "Moves the head on by n slots without writing.");
  def_move(
      "decrement", [](auto& h, auto& on, std::int64_t n) { h.decrement(on, n); },
      "Moves the head back by n slots.");

  bound
      .def(
          "push",
          [](const Self& self, const Array& observation, StreamHandle stream) {
            visit(self.history, [&]<class T>(History<T>& history) {
              Call call(name, "push", history.device(), stream);
              const auto values = values_in<T>(call, "observation", observation);
              call.run([&](const Stream& on) { history.push(on, values); });
            });
          },
          "observation"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Writes an observation [batch_size, *shape] at the head and moves the head on.")
      .def(
          "read",
          [](const Self& self, Integer steps_back, const std::optional<Array>& out,
             StreamHandle stream) {
            return visit(self.history, [&]<class T>(History<T>& history) {
              Call call(name, "read", history.device(), stream);
              const auto result = values_out<T>(call, out, history.batched_shape());
              call.run([&](const Stream& on) { history.read(on, result.view, steps_back); });
              return call.result(result);
            });
          },
          "steps_back"_a = 1, "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "The observation steps_back from the head: 1 is the newest, slots (or 0) the oldest.")
      .def(
          "write",
          [](const Self& self, const Array& observation, Integer steps_back, StreamHandle stream) {
            visit(self.history, [&]<class T>(History<T>& history) {
              Call call(name, "write", history.device(), stream);
              const auto values = values_in<T>(call, "observation", observation);
              call.run([&](const Stream& on) { history.write(on, values, steps_back); });
            });
          },
          "observation"_a, "steps_back"_a = 0, nb::kw_only(), "stream"_a = nb::none(),
          "Overwrites the observation steps_back from the head.")
      .def(
          "read_range",
          [](const Self& self, Integer length, Integer steps_back, bool forward,
             const std::optional<Array>& out, StreamHandle stream) {
            return visit(self.history, [&]<class T>(History<T>& history) {
              Call call(name, "read_range", history.device(), stream);
              if (length < 1 || length > history.slots()) {
                call.refuse(Errc::invalid_argument, "length is " + std::to_string(length) +
                                                        ", expected 1 to " +
                                                        std::to_string(history.slots()));
              }
              const auto result =
                  values_out<T>(call, out, history.batched_shape().appended(length));
              call.run([&](const Stream& on) {
                history.read_range(on, result.view, steps_back, forward);
              });
              return call.result(result);
            });
          },
          "length"_a, "steps_back"_a = 1, "forward"_a = false, "out"_a = nb::none(), nb::kw_only(),
          "stream"_a = nb::none(),
          "Consecutive observations [batch_size, *shape, length], old to new. The last of them is "
          "steps_back\nfrom the head; forward: the first.")
      .def(
          "write_range",
          [](const Self& self, const Array& observations, Integer steps_back, bool forward,
             StreamHandle stream) {
            visit(self.history, [&]<class T>(History<T>& history) {
              Call call(name, "write_range", history.device(), stream);
              const auto values = values_in<T>(call, "observations", observations);
              call.run(
                  [&](const Stream& on) { history.write_range(on, values, steps_back, forward); });
            });
          },
          "observations"_a, "steps_back"_a = 0, "forward"_a = false, nb::kw_only(),
          "stream"_a = nb::none(), "Overwrites consecutive observations, as read_range.")
      .def(
          "align",
          [](const Self& self, Index<std::int32_t> index, StreamHandle stream) {
            visit(self.history, [&](auto& history) {
              Call call(name, "align", history.device(), stream);
              call.run([&](const Stream& on) { history.align(on, index); });
            });
          },
          "index"_a = 0, nb::kw_only(), "stream"_a = nb::none(),
          "Rotates the storage so that the oldest observation lies in slot index.")
      .def(
          "reset",
          [](const Self& self, double fill, StreamHandle stream) {
            visit(self.history, [&]<class T>(History<T>& history) {
              Call call(name, "reset", history.device(), stream);
              using Value = typename History<T>::Value;
              using Fill = std::conditional_t<std::is_same_v<T, bool>, bool, Value>;
              const auto value = static_cast<Fill>(fill);
              call.run([&](const Stream& on) { history.reset(on, value); });
            });
          },
          "fill"_a = 0.0, nb::kw_only(), "stream"_a = nb::none(),
          "Sets every observation to fill and the head to slot 0.");
}

void bind_times(Class& bound) {
  bound
      .def(
          "select",
          [](const Self& self, const Times& times, const std::optional<Array>& out,
             const std::string& interpolation, double constant, double tolerance, Integer offset,
             bool check, StreamHandle stream) {
            const SelectOptions options{to_interpolation(interpolation), constant, tolerance,
                                        offset};
            return visit(self.history, [&]<class T>(History<T>& history) {
              Call call(name, "select", history.device(), stream);
              if (is_number(times)) {
                const double time = nb::cast<double>(times.object);
                const auto result = values_out<T>(call, out, history.batched_shape());
                call.run([&](const Stream& on) { history.select(on, time, result.view, options); });
                return call.result(result);
              }
              const auto located = call.in<typename History<T>::Time>("times", {times.object});
              const auto result = values_out<T>(call, out, located.shape());
              call.run([&](const Stream& on) {
                if (check) {
                  history.select(on, located, result.view, options);
                } else {
                  history.select_unchecked(on, located, result.view, options);
                }
              });
              return call.result(result);
            });
          },
          "times"_a, "out"_a = nb::none(), nb::kw_only(), "interpolation"_a = "previous",
          "constant"_a = 0.0, "tolerance"_a = 0.0, "offset"_a = 1, "check"_a = true,
          "stream"_a = nb::none(),
          "Observations times (ms) before the newest one: a number, [batch_size, *shape] or\n"
          "[batch_size, *shape, D]. interpolation is 'previous', 'next', 'nearest', 'linear', "
          "'exponential_decay'\n(constant: tau, ms) or 'exponential_rate_decay' (constant: lambda, "
          "1/ms). Not check: times of an array\nare not looked at, and wrap around outside the "
          "history.")
      .def(
          "insert",
          [](const Self& self, const Array& observation, const Times& times,
             const std::string& extrapolation, double constant, double adjust_scale,
             double adjust_shift, double tolerance, Integer offset, bool check,
             StreamHandle stream) {
            const InsertOptions options{to_extrapolation(extrapolation),
                                        constant,
                                        adjust_scale,
                                        adjust_shift,
                                        tolerance,
                                        offset};
            visit(self.history, [&]<class T>(History<T>& history) {
              Call call(name, "insert", history.device(), stream);
              const auto values = values_in<T>(call, "observation", observation);
              if (is_number(times)) {
                const double time = nb::cast<double>(times.object);
                call.run([&](const Stream& on) { history.insert(on, values, time, options); });
                return;
              }
              const auto located = call.in<typename History<T>::Time>("times", {times.object});
              call.run([&](const Stream& on) {
                if (check) {
                  history.insert(on, values, located, options);
                } else {
                  history.insert_unchecked(on, values, located, options);
                }
              });
            });
          },
          "observation"_a, "times"_a, nb::kw_only(), "extrapolation"_a = "previous",
          "constant"_a = 0.0, "adjust_scale"_a = 1.0, "adjust_shift"_a = 0.0, "tolerance"_a = 0.0,
          "offset"_a = 0, "check"_a = true, "stream"_a = nb::none(),
          "Writes an observation as of times, by changing the two around each time.\n\ntimes are "
          "ms before "
          "the slot offset steps back from the head: 0 is the slot the next push writes, 1 the "
          "newest\nobservation. extrapolation is 'previous', 'next', 'nearest', 'neighbors', "
          "'linear_forward',\n'linear_backward', "
          "'exponential_decay' or 'exponential_rate_decay'.");
}

void bind_changes(Class& bound) {
  const auto def_change = [&]<class Value>(const char* function, const char* what, Value,
                                           auto change, const char* about) {
    bound.def(
        function,
        [function, change](const Self& self, Value value, StreamHandle stream) {
          visit(self.history, [&](auto& history) {
            Call call(name, function, history.device(), stream);
            call.run([&](const Stream& on) { change(history, on, value); });
          });
        },
        nb::arg(what), nb::kw_only(), "stream"_a = nb::none(), about);
  };
  constexpr const char* kept = "The newest observations are kept; times are reinterpreted.";
  def_change(
      "set_step_time", "step_time", 0.0,
      [](auto& h, auto& on, double value) { h.set_step_time(on, value); }, kept);
  def_change(
      "set_duration", "duration", 0.0,
      [](auto& h, auto& on, double value) { h.set_duration(on, value); }, kept);
  def_change(
      "set_inclusive", "inclusive", false,
      [](auto& h, auto& on, bool value) { h.set_inclusive(on, value); }, kept);
  def_change(
      "set_batch_size", "batch_size", Integer(),
      [](auto& h, auto& on, std::int64_t value) { h.set_batch_size(on, value); },
      "Keeps the last samples of each observation, or prepends zero ones.");
}

Self restored(const nb::bytes& state, Device device, StreamHandle stream) {
  Call call(name, "load", device, stream);
  decltype(Self::history)::Pointer made;
  call.run([&](const Stream& on) {
    const StateBytes bytes = to_state(state);
    const StateReader reader(bytes);
    if (reader.holds<bool>()) {
      made = load_object<History<bool>>(on, bytes);
    } else if (reader.holds<float16>()) {
      made = load_object<History<float16>>(on, bytes);
    } else if (reader.holds<bfloat16>()) {
      made = load_object<History<bfloat16>>(on, bytes);
    } else if (reader.holds<double>()) {
      made = load_object<History<double>>(on, bytes);
    } else {
      made = load_object<History<float>>(on, bytes);
    }
  });
  return {{name, std::move(made)}};
}

void bind_state(Class& bound) {
  bind_saving(bound, name, &Self::history);
  bound
      .def("__getstate__",
           [](const Self& self) {
             const auto device =
                 visit(self.history, [](const auto& history) { return history.device(); });
             return std::tuple(save(self.history, name, "__getstate__"), to_string(device));
           })
      .def("__setstate__", [](Self* self, const std::tuple<nb::bytes, std::string>& state) {
        const auto& [bytes, device] = state;
        new (self) Self(restored(bytes, to_device(nb::cast(device)), {}));
      });
  bind_repr(bound, {"shape", "batch_size", "step_time", "duration", "inclusive", "storage", "dtype",
                    "device"});
}

}  // namespace

nb::object load_history(const nb::bytes& state, Device device, StreamHandle stream) {
  return nb::cast(restored(state, device, stream));
}

void bind_histories(nb::module_& module) {
  Class bound(
      module, name,
      "A circular buffer of observations [batch_size, *shape], starting as zeros.\n\ndtype "
      "is 'float32', 'float64' or 'bool' (one bit each). The head is the slot the next push "
      "writes;\nk steps back from it, 1 is the newest observation and slots (or 0) the "
      "oldest. Times are ms, in the\nhistory's dtype, in float32 for bool. storage is the type "
      "observations are stored as: 'float16' or\n'bfloat16' of a float32 history, which takes half "
      "of the memory and rounds what is written; None: as dtype.");
  bind_constructor(bound);
  bind_properties(bound);
  bind_slots(bound);
  bind_times(bound);
  bind_changes(bound);
  bind_state(bound);
}

}  // namespace cusynapse::python
