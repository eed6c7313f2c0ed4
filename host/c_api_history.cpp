// Histories in C.
#include "cusynapse/history.hpp"
#include "host/c_api.hpp"
#include "host/c_api_state.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

struct cusynapse_history
    : Handle<History<float>, History<double>, History<float16>, History<bfloat16>, History<bool>> {
};

namespace {

using In = Array<cusynapse_const_array>;
using Out = Array<cusynapse_array>;

cusynapse_history_options options_of(const HistoryOptions& options) {
  return {sizeof(cusynapse_history_options),
          shape_of(options.shape),
          options.batch_size,
          options.step_time,
          options.duration,
          options.inclusive};
}

cusynapse_select_options options_of(const SelectOptions& options) {
  return {sizeof(cusynapse_select_options), number_of(options.interpolation), options.constant,
          options.tolerance, options.offset};
}

cusynapse_insert_options options_of(const InsertOptions& options) {
  return {sizeof(cusynapse_insert_options),
          number_of(options.extrapolation),
          options.constant,
          options.adjust_scale,
          options.adjust_shift,
          options.tolerance,
          options.offset};
}

HistoryOptions read(const Where& where, const cusynapse_history_options* given) {
  require(where, "options", given);
  const auto from = read_struct(where, given, options_of(HistoryOptions()));
  HistoryOptions options;
  options.shape = shape_of(where, "shape", from.shape);
  options.batch_size = from.batch_size;
  options.step_time = from.step_time;
  options.duration = from.duration;
  options.inclusive = from.inclusive;
  return options;
}

SelectOptions read(const Where& where, const cusynapse_select_options* given) {
  const auto from = read_struct(where, given, options_of(SelectOptions()));
  SelectOptions options;
  options.interpolation =
      enumerator(where, "interpolation", from.interpolation, Interpolation::exponential_rate_decay);
  options.constant = from.constant;
  options.tolerance = from.tolerance;
  options.offset = from.offset;
  return options;
}

InsertOptions read(const Where& where, const cusynapse_insert_options* given) {
  const auto from = read_struct(where, given, options_of(InsertOptions()));
  InsertOptions options;
  options.extrapolation =
      enumerator(where, "extrapolation", from.extrapolation, Extrapolation::exponential_rate_decay);
  options.constant = from.constant;
  options.adjust_scale = from.adjust_scale;
  options.adjust_shift = from.adjust_shift;
  options.tolerance = from.tolerance;
  options.offset = from.offset;
  return options;
}

// The value of an observation's element, from a number of C.
template <class T>
typename History<T>::Value fill_of(const Where& where, double fill) {
  if (std::is_same_v<T, bool>) host::check(fill == 0 || fill == 1, where, "fill", fill, "0 or 1");
  return static_cast<typename History<T>::Value>(fill);
}

}  // namespace

cusynapse_status cusynapse_history_options_init(cusynapse_history_options* options,
                                                size_t struct_size) {
  return init_struct(__func__, options, struct_size, options_of(HistoryOptions()));
}

cusynapse_status cusynapse_select_options_init(cusynapse_select_options* options,
                                               size_t struct_size) {
  return init_struct(__func__, options, struct_size, options_of(SelectOptions()));
}

cusynapse_status cusynapse_insert_options_init(cusynapse_insert_options* options,
                                               size_t struct_size) {
  return init_struct(__func__, options, struct_size, options_of(InsertOptions()));
}

cusynapse_status cusynapse_history_info_init(cusynapse_history_info* info, size_t struct_size) {
  return init_struct(__func__, info, struct_size, cusynapse_history_info());
}

cusynapse_status cusynapse_history_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                          const cusynapse_history_options* options,
                                          cusynapse_history** history) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "history", history);
    const HistoryOptions read_options = read(where, options);
    const Stream on = stream_of(where, stream);
    with_type<float, double, float16, bfloat16, bool>(where, "dtype", dtype, [&](auto element) {
      give(history, std::make_shared<History<decltype(element)>>(on, read_options));
    });
  });
}

void cusynapse_history_destroy(cusynapse_history* history) { delete history; }

cusynapse_status cusynapse_history_get_options(const cusynapse_history* history,
                                               cusynapse_history_options* options) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    HistoryOptions of;
    of.shape = object.shape();
    of.batch_size = object.batch_size();
    of.step_time = object.step_time();
    of.duration = object.duration();
    of.inclusive = object.inclusive();
    write_struct(where, "options", options, options_of(of));
  });
}

cusynapse_status cusynapse_history_get_info(const cusynapse_history* history,
                                            cusynapse_history_info* info) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    cusynapse_history_info of = {};
    of.dtype = dtype_of<decltype(element_of(object))>();
    of.device = device_of(object.device());
    of.slots = object.slots();
    write_struct(where, "info", info, of);
  });
}

cusynapse_status cusynapse_history_pointer(const cusynapse_history* history,
                                           cusynapse_stream stream, int32_t* head) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    require(where, "head", head);
    *head = object.pointer(stream_of(where, stream));
  });
}

cusynapse_status cusynapse_history_ring(cusynapse_history* history, cusynapse_ring* ring) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    require(where, "ring", ring);
    *ring = ring_of(object.ring());
  });
}

cusynapse_status cusynapse_history_push(cusynapse_history* history, cusynapse_stream stream,
                                        cusynapse_const_array observation) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.push(stream_of(where, stream), In(where, "observation", observation));
  });
}

cusynapse_status cusynapse_history_peek(const cusynapse_history* history, cusynapse_stream stream,
                                        cusynapse_array out) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.peek(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_history_pop(cusynapse_history* history, cusynapse_stream stream,
                                       cusynapse_array out) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.pop(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_history_increment(cusynapse_history* history, cusynapse_stream stream,
                                             int64_t n) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.increment(stream_of(where, stream), n);
  });
}

cusynapse_status cusynapse_history_decrement(cusynapse_history* history, cusynapse_stream stream,
                                             int64_t n) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.decrement(stream_of(where, stream), n);
  });
}

cusynapse_status cusynapse_history_read(const cusynapse_history* history, cusynapse_stream stream,
                                        cusynapse_array out, int64_t steps_back) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.read(stream_of(where, stream), Out(where, "out", out), steps_back);
  });
}

cusynapse_status cusynapse_history_write(cusynapse_history* history, cusynapse_stream stream,
                                         cusynapse_const_array observation, int64_t steps_back) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.write(stream_of(where, stream), In(where, "observation", observation), steps_back);
  });
}

cusynapse_status cusynapse_history_read_range(const cusynapse_history* history,
                                              cusynapse_stream stream, cusynapse_array out,
                                              int64_t steps_back, bool forward) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.read_range(stream_of(where, stream), Out(where, "out", out), steps_back, forward);
  });
}

cusynapse_status cusynapse_history_write_range(cusynapse_history* history, cusynapse_stream stream,
                                               cusynapse_const_array observations,
                                               int64_t steps_back, bool forward) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.write_range(stream_of(where, stream), In(where, "observations", observations),
                       steps_back, forward);
  });
}

cusynapse_status cusynapse_history_align(cusynapse_history* history, cusynapse_stream stream,
                                         int32_t index) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.align(stream_of(where, stream), index);
  });
}

cusynapse_status cusynapse_history_reset(cusynapse_history* history, cusynapse_stream stream,
                                         double fill) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.reset(stream_of(where, stream), fill_of<decltype(element_of(object))>(where, fill));
  });
}

cusynapse_status cusynapse_history_select(const cusynapse_history* history, cusynapse_stream stream,
                                          cusynapse_const_array times, cusynapse_array out,
                                          const cusynapse_select_options* options) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    using Time = typename std::remove_reference_t<decltype(object)>::Time;
    const View<const Time> at = In(where, "times", times);
    object.select(stream_of(where, stream), at, Out(where, "out", out), read(where, options));
  });
}

cusynapse_status cusynapse_history_select_unchecked(const cusynapse_history* history,
                                                    cusynapse_stream stream,
                                                    cusynapse_const_array times,
                                                    cusynapse_array out,
                                                    const cusynapse_select_options* options) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.select_unchecked(stream_of(where, stream), In(where, "times", times),
                            Out(where, "out", out), read(where, options));
  });
}

cusynapse_status cusynapse_history_select_at_time(const cusynapse_history* history,
                                                  cusynapse_stream stream, double time,
                                                  cusynapse_array out,
                                                  const cusynapse_select_options* options) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.select(stream_of(where, stream), time, Out(where, "out", out), read(where, options));
  });
}

cusynapse_status cusynapse_history_insert(cusynapse_history* history, cusynapse_stream stream,
                                          cusynapse_const_array observation,
                                          cusynapse_const_array times,
                                          const cusynapse_insert_options* options) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    using Time = typename std::remove_reference_t<decltype(object)>::Time;
    const View<const Time> at = In(where, "times", times);
    object.insert(stream_of(where, stream), In(where, "observation", observation), at,
                  read(where, options));
  });
}

cusynapse_status cusynapse_history_insert_unchecked(cusynapse_history* history,
                                                    cusynapse_stream stream,
                                                    cusynapse_const_array observation,
                                                    cusynapse_const_array times,
                                                    const cusynapse_insert_options* options) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.insert_unchecked(stream_of(where, stream), In(where, "observation", observation),
                            In(where, "times", times), read(where, options));
  });
}

cusynapse_status cusynapse_history_insert_at_time(cusynapse_history* history,
                                                  cusynapse_stream stream,
                                                  cusynapse_const_array observation, double time,
                                                  const cusynapse_insert_options* options) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.insert(stream_of(where, stream), In(where, "observation", observation), time,
                  read(where, options));
  });
}

cusynapse_status cusynapse_history_set_step_time(cusynapse_history* history,
                                                 cusynapse_stream stream, double step_time) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.set_step_time(stream_of(where, stream), step_time);
  });
}

cusynapse_status cusynapse_history_set_duration(cusynapse_history* history, cusynapse_stream stream,
                                                double duration) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.set_duration(stream_of(where, stream), duration);
  });
}

cusynapse_status cusynapse_history_set_inclusive(cusynapse_history* history,
                                                 cusynapse_stream stream, bool inclusive) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.set_inclusive(stream_of(where, stream), inclusive);
  });
}

cusynapse_status cusynapse_history_set_batch_size(cusynapse_history* history,
                                                  cusynapse_stream stream, int64_t batch_size) {
  return with(history, __func__, [&](auto& object, const Where& where) {
    object.set_batch_size(stream_of(where, stream), batch_size);
  });
}

cusynapse_status cusynapse_history_save(const cusynapse_history* history, cusynapse_stream stream,
                                        cusynapse_state** state) {
  return save(history, __func__, stream, state);
}

cusynapse_status cusynapse_history_load(cusynapse_history* history, cusynapse_stream stream,
                                        const uint8_t* data, size_t size) {
  return load(history, __func__, stream, data, size);
}

cusynapse_status cusynapse_history_create_from_state(cusynapse_stream stream, const uint8_t* data,
                                                     size_t size, cusynapse_history** history) {
  return guarded(__func__, [&](const Where& where) {
    create_from_state<float, double, float16, bfloat16, bool>(
        where, stream, data, size, "history", history,
        [](auto element, const Stream& on, StateBytes bytes) {
          return load_object<History<decltype(element)>>(on, bytes);
        });
  });
}
