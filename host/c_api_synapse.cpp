// Synapses and their groups in C.
#include <string>
#include <vector>

#include "cusynapse/models.hpp"
#include "cusynapse/synapse.hpp"
#include "host/c_api.hpp"
#include "host/c_api_arguments.hpp"
#include "host/c_api_objects.hpp"
#include "host/c_api_state.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

struct cusynapse_synapse_group : Handle<SynapseGroup<float>, SynapseGroup<double>> {};

namespace {

using In = Array<cusynapse_const_array>;
using Out = Array<cusynapse_array>;

SynapseModel model_of(const cusynapse_model& model, double step_time) {
  const SynapseModel defaults;
  cusynapse_synapse_model given = {};
  given.dynamics = number_of(defaults.dynamics);
  given.trace_count = defaults.trace_count;
  for (int k = 0; k < max_traces; ++k) {
    const SynapseModel::Trace& trace = defaults.traces[k];
    given.traces[k] = {trace.time_constant, trace.gain, trace.weight};
  }
  given.feed_rate = defaults.feed_rate;
  given.spike_amplitude = defaults.spike_amplitude;
  const Where where = model.name;
  const cusynapse_status status = model.function(model.context, step_time, &given);
  if (status != CUSYNAPSE_SUCCESS) throw CallbackFailed(where, "the model's function", status);
  SynapseModel out;
  out.dynamics = enumerator(where, "dynamics", given.dynamics, Dynamics::chain);
  out.trace_count = given.trace_count;
  for (int k = 0; k < max_traces; ++k) {
    const cusynapse_trace& trace = given.traces[k];
    out.traces[k] = {trace.time_constant, trace.gain, trace.weight};
  }
  out.feed_rate = given.feed_rate;
  out.spike_amplitude = given.spike_amplitude;
  return out;
}

// Holds the name, which must outlive the synapse that is made with it, and the model that another
// one takes over from it.
struct Name {
  std::shared_ptr<const std::string> text;
};

// A synapse of a model of the caller's.
template <class T>
class CustomCurrent final : private Name, public CurrentSynapse<T> {
 public:
  using Parameters = cusynapse_model;

  CustomCurrent(const Stream& stream, const SynapseOptions& options, const cusynapse_model& model)
      : Name{std::make_shared<const std::string>(model.name)},
        CurrentSynapse<T>(stream, text->c_str(), options, model_at(named(model, *text))),
        model_(named(model, *text)) {}

  const cusynapse_model& parameters() const noexcept { return model_; }
  void set_parameters(const cusynapse_model& model) {
    this->set_model(model_at(named(model, *text)));
    model_ = named(model, *text);
  }

  // As of a `ModelSynapse` whose constants have no names: they are not saved.
  std::vector<std::uint8_t> save(const Stream& stream) const override {
    StateWriter state = this->saved(stream);
    this->save_model(state);
    return state.finish();
  }
  std::unique_ptr<Synapse<T>> restored(const Stream& stream, StateReader& state) const override {
    std::unique_ptr<CustomCurrent> made(new CustomCurrent(stream, state, *this, model_));
    made->check_saved_model(state);
    this->check_restored(*made);
    return made;
  }
  void exchange(Synapse<T>& restored) noexcept override {
    this->exchange_histories(static_cast<CustomCurrent&>(restored));
  }

 private:
  CustomCurrent(const Stream& stream, StateReader& state, const Name& name,
                const cusynapse_model& model)
      : Name(name),
        CurrentSynapse<T>(stream, text->c_str(), state, model_at(model)),
        model_(model) {}

  // Static, for the constructor calls them before the synapse is made.
  static cusynapse_model named(cusynapse_model model, const std::string& name) noexcept {
    model.name = name.c_str();
    return model;
  }
  static typename CurrentSynapse<T>::ModelAt model_at(const cusynapse_model& model) {
    return [model](double step_time) { return model_of(model, step_time); };
  }

  cusynapse_model model_;
};

// Constants of a model's kind, from and to the one struct of C.

void read(const Where&, const cusynapse_model& from, DeltaParameters& to) {
  to.spike_charge = from.spike_charge;
}
void read(const Where&, const cusynapse_model& from, ExponentialParameters& to) {
  to.spike_charge = from.spike_charge;
  to.time_constant = from.time_constant;
}
void read(const Where&, const cusynapse_model& from, DoubleExponentialParameters& to) {
  to.spike_charge = from.spike_charge;
  to.tc_decay = from.tc_decay;
  to.tc_rise = from.tc_rise;
}
void read(const Where& where, const cusynapse_model& from, cusynapse_model& to) {
  require(where, "model->name", from.name);
  if (from.function == nullptr) host::refuse(where, "model->function", "null", "not null");
  to = from;
}

void write(const DeltaParameters& from, cusynapse_model& to) {
  to.spike_charge = from.spike_charge;
}
void write(const ExponentialParameters& from, cusynapse_model& to) {
  to.spike_charge = from.spike_charge;
  to.time_constant = from.time_constant;
}
void write(const DoubleExponentialParameters& from, cusynapse_model& to) {
  to.spike_charge = from.spike_charge;
  to.tc_decay = from.tc_decay;
  to.tc_rise = from.tc_rise;
}
void write(const cusynapse_model& from, cusynapse_model& to) {
  to.name = from.name;
  to.function = from.function;
  to.context = from.context;
}

// A kind of model and the class of its synapses.
template <cusynapse_model_kind number, class Class>
struct Kind {
  static constexpr cusynapse_model_kind kind = number;
  using Synapse = Class;
  using Parameters = typename Class::Parameters;
};

// Calls `body` with one kind after the other until it returns true, and returns whether it did.
template <class T, class Body>
bool find_kind(const Body& body) {
  return body(Kind<CUSYNAPSE_DELTA_CURRENT, DeltaCurrent<T>>()) ||
         body(Kind<CUSYNAPSE_DELTA_PLUS_CURRENT, DeltaPlusCurrent<T>>()) ||
         body(Kind<CUSYNAPSE_SINGLE_EXPONENTIAL_CURRENT, SingleExponentialCurrent<T>>()) ||
         body(Kind<CUSYNAPSE_DOUBLE_EXPONENTIAL_CURRENT, DoubleExponentialCurrent<T>>()) ||
         body(Kind<CUSYNAPSE_ALPHA_CURRENT, AlphaCurrent<T>>()) ||
         body(Kind<CUSYNAPSE_CUSTOM_CURRENT, CustomCurrent<T>>());
}

cusynapse_synapse_options options_of(const SynapseOptions& options) {
  cusynapse_synapse_options to = {};
  to.struct_size = sizeof to;
  to.shape = shape_of(options.shape);
  to.batch_size = options.batch_size;
  to.step_time = options.step_time;
  to.delay = options.delay;
  to.interpolation = number_of(options.interpolation);
  to.tolerance = options.tolerance;
  to.has_current_overbound = options.current_overbound.has_value();
  to.current_overbound = options.current_overbound.value_or(0.0);
  to.has_spike_overbound = options.spike_overbound.has_value();
  to.spike_overbound = options.spike_overbound.value_or(false);
  to.storage = number_of(options.storage);
  return to;
}

// Runs `body` on a double exponential synapse.
template <class AnySynapse, class Body>
cusynapse_status with_parts(AnySynapse* synapse, const char* function, const Body& body) noexcept {
  return with(synapse, function, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    auto* made = dynamic_cast<DoubleExponentialCurrent<T>*>(&object);
    if (made == nullptr) {
      throw Error(Errc::not_supported, where.name() + ": synapse is a " + object.name() +
                                           ", expected a DoubleExponentialCurrent");
    }
    body(*made, where);
  });
}

}  // namespace

namespace cusynapse::c_api {

SynapseOptions synapse_options(const Where& where, const cusynapse_synapse_options* given) {
  const auto from = read_struct(where, given, options_of(SynapseOptions()));
  SynapseOptions to;
  to.shape = shape_of(where, "shape", from.shape);
  to.batch_size = from.batch_size;
  to.step_time = from.step_time;
  to.delay = from.delay;
  to.interpolation =
      enumerator(where, "interpolation", from.interpolation, SpikeInterpolation::nearest);
  to.tolerance = from.tolerance;
  to.current_overbound.reset();
  if (from.has_current_overbound) to.current_overbound = from.current_overbound;
  to.spike_overbound.reset();
  if (from.has_spike_overbound) to.spike_overbound = from.spike_overbound;
  to.storage = enumerator(where, "storage", from.storage, StorageType::bfloat16);
  return to;
}

template <class T>
std::unique_ptr<CurrentSynapse<T>> make_synapse(const Where& where, const Stream& stream,
                                                const SynapseOptions& options,
                                                const cusynapse_model& model) {
  std::unique_ptr<CurrentSynapse<T>> made;
  const bool exists = find_kind<T>([&](auto kind) {
    using Found = decltype(kind);
    if (model.kind != Found::kind) return false;
    typename Found::Parameters parameters = {};
    read(where, model, parameters);
    made = std::make_unique<typename Found::Synapse>(stream, options, parameters);
    return true;
  });
  host::check(exists, where, "model->kind", model.kind, "one of cusynapse_model_kind");
  return made;
}

template std::unique_ptr<CurrentSynapse<float>> make_synapse(const Where&, const Stream&,
                                                             const SynapseOptions&,
                                                             const cusynapse_model&);
template std::unique_ptr<CurrentSynapse<double>> make_synapse(const Where&, const Stream&,
                                                              const SynapseOptions&,
                                                              const cusynapse_model&);

}  // namespace cusynapse::c_api

cusynapse_status cusynapse_synapse_options_init(cusynapse_synapse_options* options,
                                                size_t struct_size) {
  return init_struct(__func__, options, struct_size, options_of(SynapseOptions()));
}

cusynapse_status cusynapse_synapse_info_init(cusynapse_synapse_info* info, size_t struct_size) {
  return init_struct(__func__, info, struct_size, cusynapse_synapse_info());
}

cusynapse_status cusynapse_synapse_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                          const cusynapse_synapse_options* options,
                                          const cusynapse_model* model,
                                          cusynapse_synapse** synapse) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "options", options);
    require(where, "model", model);
    require(where, "synapse", synapse);
    const SynapseOptions of = synapse_options(where, options);
    const Stream on = stream_of(where, stream);
    with_real(where, dtype, [&](auto element) {
      using T = decltype(element);
      give(synapse, std::shared_ptr<CurrentSynapse<T>>(make_synapse<T>(where, on, of, *model)));
    });
  });
}

void cusynapse_synapse_destroy(cusynapse_synapse* synapse) { delete synapse; }

cusynapse_status cusynapse_synapse_get_options(const cusynapse_synapse* synapse,
                                               cusynapse_synapse_options* options) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    write_struct(where, "options", options, options_of(object.options()));
  });
}

cusynapse_status cusynapse_synapse_get_info(const cusynapse_synapse* synapse,
                                            cusynapse_synapse_info* info) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    cusynapse_synapse_info of = {};
    of.dtype = dtype_of<decltype(element_of(object))>();
    of.device = device_of(object.device());
    of.name = object.name();
    of.slots = object.slots();
    of.trace_count = object.trace_count();
    of.version = object.version();
    write_struct(where, "info", info, of);
  });
}

cusynapse_status cusynapse_synapse_get_model(const cusynapse_synapse* synapse,
                                             cusynapse_model* model) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    require(where, "model", model);
    find_kind<decltype(element_of(object))>([&](auto kind) {
      using Found = decltype(kind);
      const auto* made = dynamic_cast<const typename Found::Synapse*>(&object);
      if (made == nullptr) return false;
      model->kind = Found::kind;
      write(made->parameters(), *model);
      return true;
    });
  });
}

cusynapse_status cusynapse_synapse_set_model(cusynapse_synapse* synapse,
                                             const cusynapse_model* model) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    require(where, "model", model);
    const bool is_of_kind = find_kind<decltype(element_of(object))>([&](auto kind) {
      using Found = decltype(kind);
      auto* made = dynamic_cast<typename Found::Synapse*>(&object);
      if (made == nullptr || model->kind != Found::kind) return false;
      typename Found::Parameters parameters = {};
      read(where, *model, parameters);
      made->set_parameters(parameters);
      return true;
    });
    host::check(is_of_kind, where, "model->kind", model->kind, "the kind of the synapse");
  });
}

cusynapse_status cusynapse_synapse_pointer(const cusynapse_synapse* synapse,
                                           cusynapse_stream stream, int32_t* head) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    require(where, "head", head);
    *head = object.pointer(stream_of(where, stream));
  });
}

cusynapse_status cusynapse_synapse_step(cusynapse_synapse* synapse, cusynapse_stream stream,
                                        cusynapse_const_array input,
                                        const cusynapse_const_array* injected,
                                        int64_t injected_count) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    const Injections<T> injections(where, injected, injected_count);
    object.step(stream_of(where, stream), In(where, "input", input), injections);
  });
}

cusynapse_status cusynapse_synapse_step_sequence(cusynapse_synapse* synapse,
                                                 cusynapse_stream stream,
                                                 cusynapse_const_array inputs) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.step_sequence(stream_of(where, stream), In(where, "inputs", inputs));
  });
}

cusynapse_status cusynapse_synapse_current(const cusynapse_synapse* synapse,
                                           cusynapse_stream stream, cusynapse_array out) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.current(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_synapse_spike(const cusynapse_synapse* synapse, cusynapse_stream stream,
                                         cusynapse_array out) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.spike(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_synapse_current_at(const cusynapse_synapse* synapse,
                                              cusynapse_stream stream,
                                              cusynapse_const_array selector, cusynapse_array out) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.current_at(stream_of(where, stream), In(where, "selector", selector),
                      Out(where, "out", out));
  });
}

cusynapse_status cusynapse_synapse_spike_at(const cusynapse_synapse* synapse,
                                            cusynapse_stream stream, cusynapse_const_array selector,
                                            cusynapse_array out) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.spike_at(stream_of(where, stream), In(where, "selector", selector),
                    Out(where, "out", out));
  });
}

cusynapse_status cusynapse_synapse_set_spike(cusynapse_synapse* synapse, cusynapse_stream stream,
                                             cusynapse_const_array spikes) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.set_spike(stream_of(where, stream), In(where, "spikes", spikes));
  });
}

cusynapse_status cusynapse_synapse_set_current(cusynapse_synapse* synapse, cusynapse_stream stream,
                                               cusynapse_const_array current) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.set_current(stream_of(where, stream), In(where, "current", current));
  });
}

cusynapse_status cusynapse_synapse_pos_current(const cusynapse_synapse* synapse,
                                               cusynapse_stream stream, cusynapse_array out) {
  return with_parts(synapse, __func__, [&](auto& object, const Where& where) {
    object.pos_current(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_synapse_neg_current(const cusynapse_synapse* synapse,
                                               cusynapse_stream stream, cusynapse_array out) {
  return with_parts(synapse, __func__, [&](auto& object, const Where& where) {
    object.neg_current(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_synapse_set_pos_current(cusynapse_synapse* synapse,
                                                   cusynapse_stream stream,
                                                   cusynapse_const_array values) {
  return with_parts(synapse, __func__, [&](auto& object, const Where& where) {
    object.set_pos_current(stream_of(where, stream), In(where, "values", values));
  });
}

cusynapse_status cusynapse_synapse_set_neg_current(cusynapse_synapse* synapse,
                                                   cusynapse_stream stream,
                                                   cusynapse_const_array values) {
  return with_parts(synapse, __func__, [&](auto& object, const Where& where) {
    object.set_neg_current(stream_of(where, stream), In(where, "values", values));
  });
}

cusynapse_status cusynapse_synapse_pos_current_at(const cusynapse_synapse* synapse,
                                                  cusynapse_stream stream,
                                                  cusynapse_const_array selector,
                                                  cusynapse_array out) {
  return with_parts(synapse, __func__, [&](auto& object, const Where& where) {
    object.pos_current_at(stream_of(where, stream), In(where, "selector", selector),
                          Out(where, "out", out));
  });
}

cusynapse_status cusynapse_synapse_neg_current_at(const cusynapse_synapse* synapse,
                                                  cusynapse_stream stream,
                                                  cusynapse_const_array selector,
                                                  cusynapse_array out) {
  return with_parts(synapse, __func__, [&](auto& object, const Where& where) {
    object.neg_current_at(stream_of(where, stream), In(where, "selector", selector),
                          Out(where, "out", out));
  });
}

cusynapse_status cusynapse_synapse_clear(cusynapse_synapse* synapse, cusynapse_stream stream) {
  return with(synapse, __func__,
              [&](auto& object, const Where& where) { object.clear(stream_of(where, stream)); });
}

cusynapse_status cusynapse_synapse_set_batch_size(cusynapse_synapse* synapse,
                                                  cusynapse_stream stream, int64_t batch_size) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.set_batch_size(stream_of(where, stream), batch_size);
  });
}

cusynapse_status cusynapse_synapse_set_step_time(cusynapse_synapse* synapse,
                                                 cusynapse_stream stream, double step_time,
                                                 cusynapse_history_change change) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.set_step_time(stream_of(where, stream), step_time, change_of(where, change));
  });
}

cusynapse_status cusynapse_synapse_set_delay(cusynapse_synapse* synapse, cusynapse_stream stream,
                                             double delay, cusynapse_history_change change) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    object.set_delay(stream_of(where, stream), delay, change_of(where, change));
  });
}

cusynapse_status cusynapse_synapse_trace_ring(const cusynapse_synapse* synapse, int32_t trace,
                                              cusynapse_ring* ring) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    require(where, "ring", ring);
    visit_storage<decltype(element_of(object))>(object.options().storage, [&](auto element) {
      *ring = ring_of(object.template trace_ring_as<decltype(element)>(trace));
    });
  });
}

cusynapse_status cusynapse_synapse_spike_ring(const cusynapse_synapse* synapse,
                                              cusynapse_ring* ring) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    require(where, "ring", ring);
    *ring = ring_of(object.spike_ring());
  });
}

cusynapse_status cusynapse_synapse_readout(const cusynapse_synapse* synapse,
                                           cusynapse_delayed_select_arguments* current,
                                           cusynapse_spike_select_arguments* spike) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    require(where, "current", current);
    require(where, "spike", spike);
    const auto readout = object.readout();
    *current = delayed_select_of(readout.current);
    *spike = spike_select_of(readout.spike);
  });
}

cusynapse_status cusynapse_synapse_step_arguments(const cusynapse_synapse* synapse,
                                                  cusynapse_decay_inject_arguments* arguments) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    require(where, "arguments", arguments);
    *arguments = decay_inject_of(object.step_arguments());
  });
}

cusynapse_status cusynapse_synapse_select_arguments(const cusynapse_synapse* synapse,
                                                    cusynapse_delayed_select_arguments* arguments) {
  return with(synapse, __func__, [&](auto& object, const Where& where) {
    require(where, "arguments", arguments);
    *arguments = delayed_select_of(object.select_arguments());
  });
}

cusynapse_status cusynapse_synapse_save(const cusynapse_synapse* synapse, cusynapse_stream stream,
                                        cusynapse_state** state) {
  return save(synapse, __func__, stream, state);
}

cusynapse_status cusynapse_synapse_load(cusynapse_synapse* synapse, cusynapse_stream stream,
                                        const uint8_t* data, size_t size) {
  return load(synapse, __func__, stream, data, size);
}

cusynapse_status cusynapse_synapse_create_from_state(cusynapse_stream stream, const uint8_t* data,
                                                     size_t size, cusynapse_synapse** synapse) {
  return guarded(__func__, [&](const Where& where) {
    create_from_state<float, double>(where, stream, data, size, "synapse", synapse,
                                     [](auto element, const Stream& on, StateBytes bytes) {
                                       return load_synapse<decltype(element)>(on, bytes);
                                     });
  });
}

// Groups

cusynapse_status cusynapse_synapse_group_info_init(cusynapse_synapse_group_info* info,
                                                   size_t struct_size) {
  return init_struct(__func__, info, struct_size, cusynapse_synapse_group_info());
}

cusynapse_status cusynapse_synapse_group_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                                const cusynapse_synapse_options* const* options,
                                                const cusynapse_model* const* models, int64_t count,
                                                cusynapse_synapse_group** group) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "group", group);
    host::check(count >= 1, where, "count", static_cast<double>(count), "at least 1");
    require(where, "options", options);
    require(where, "models", models);
    const Stream on = stream_of(where, stream);
    with_real(where, dtype, [&](auto element) {
      using T = decltype(element);
      std::vector<std::unique_ptr<CurrentSynapse<T>>> members;
      for (std::int64_t i = 0; i < count; ++i) {
        require(where, "an element of options", options[i]);
        require(where, "an element of models", models[i]);
        members.push_back(
            make_synapse<T>(where, on, synapse_options(where, options[i]), *models[i]));
      }
      give(group, std::make_shared<SynapseGroup<T>>(on, std::move(members)));
    });
  });
}

void cusynapse_synapse_group_destroy(cusynapse_synapse_group* group) { delete group; }

cusynapse_status cusynapse_synapse_group_get_info(const cusynapse_synapse_group* group,
                                                  cusynapse_synapse_group_info* info) {
  return with(group, __func__, [&](auto& object, const Where& where) {
    cusynapse_synapse_group_info of = {};
    of.dtype = dtype_of<decltype(element_of(object))>();
    of.size = static_cast<std::int64_t>(object.size());
    of.input_size = object.input_size();
    write_struct(where, "info", info, of);
  });
}

namespace {

template <class Group>
std::size_t member_of(const Where& where, const Group& group, std::int64_t index) {
  host::check(index >= 0 && index < static_cast<std::int64_t>(group.size()), where, "index",
              static_cast<double>(index), "0 to the number of members - 1");
  return static_cast<std::size_t>(index);
}

}  // namespace

cusynapse_status cusynapse_synapse_group_member(cusynapse_synapse_group* group, int64_t index,
                                                cusynapse_synapse** member) {
  return with(group, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    require(where, "member", member);
    auto& found = object[member_of(where, object, index)];
    const auto owner = std::get<std::shared_ptr<SynapseGroup<T>>>(group->object);
    give(member, std::shared_ptr<CurrentSynapse<T>>(owner, &found));
  });
}

cusynapse_status cusynapse_synapse_group_input_offset(const cusynapse_synapse_group* group,
                                                      int64_t index, int64_t* offset) {
  return with(group, __func__, [&](auto& object, const Where& where) {
    require(where, "offset", offset);
    *offset = object.input_offset(member_of(where, object, index));
  });
}

cusynapse_status cusynapse_synapse_group_step(cusynapse_synapse_group* group,
                                              cusynapse_stream stream,
                                              cusynapse_const_array input) {
  return with(group, __func__, [&](auto& object, const Where& where) {
    object.step(stream_of(where, stream), In(where, "input", input));
  });
}

cusynapse_status cusynapse_synapse_group_refresh(cusynapse_synapse_group* group,
                                                 cusynapse_stream stream) {
  return with(group, __func__,
              [&](auto& object, const Where& where) { object.refresh(stream_of(where, stream)); });
}
