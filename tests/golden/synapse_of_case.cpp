#include "golden/synapse_of_case.hpp"

#include "cusynapse/ops.hpp"
#include "golden/replay.hpp"

namespace cusynapse::golden {

namespace {

template <class T>
std::vector<typename ElementTraits<T>::Exchanged> newest_first(const Stream& stream,
                                                               const Ring<T>& ring) {
  using Value = typename ElementTraits<T>::Exchanged;
  Buffer<Value> frames(stream.device(), ring.slots * ring.size);
  RingRead<T> arguments;
  arguments.ring = ring;
  arguments.out = frames.data();
  arguments.frames = ring.slots;
  arguments.frame_stride = ring.size;
  arguments.steps_back = ring.slots;
  ops::ring_read(stream, arguments);
  const std::vector<Value> old_to_new = to_host(stream, frames);
  std::vector<Value> result;
  result.reserve(old_to_new.size());
  for (std::int64_t frame = ring.slots - 1; frame >= 0; --frame) {
    const auto begin = old_to_new.begin() + frame * ring.size;
    result.insert(result.end(), begin, begin + ring.size);
  }
  return result;
}

}  // namespace

SpikeInterpolation spike_interpolation(const Place& place, const std::string& name) {
  if (name == "previous") return SpikeInterpolation::previous;
  if (name == "nearest") return SpikeInterpolation::nearest;
  refuse(place, "unknown mode '" + name + "'");
}

SynapseOptions selection_options(const Case& replayed) {
  const Fields& parameters = replayed.parameters;
  SynapseOptions options;
  options.interpolation = spike_interpolation(replayed.place, parameters.text("mode"));
  options.tolerance = parameters.number("tol");
  options.current_overbound = parameters.optional_number("current_overbound");
  options.spike_overbound = parameters.optional_flag("spike_overbound");
  return options;
}

SynapseOptions synapse_options(const Case& replayed) {
  const Fields& parameters = replayed.parameters;
  SynapseOptions options = selection_options(replayed);
  options.shape = to_shape(parameters.integers("shape"));
  options.batch_size = parameters.integer("batch");
  options.step_time = parameters.number("dt");
  options.delay = parameters.number("delay");
  return options;
}

SynapseConstants synapse_constants(const Case& replayed) {
  const Fields& parameters = replayed.parameters;
  SynapseConstants constants;
  constants.spike_charge = parameters.number("spike_charge");
  const std::string& class_name = parameters.text("cls");
  if (class_name == "SingleExponentialCurrent") {
    constants.time_constant = parameters.number("time_constant");
  } else if (class_name == "DoubleExponentialCurrent") {
    constants.tc_decay = parameters.number("tc_decay");
    constants.tc_rise = parameters.number("tc_rise");
  }
  return constants;
}

std::unique_ptr<CurrentSynapse<float>> make_synapse(const Stream& stream, const Place& place,
                                                    const std::string& class_name,
                                                    const SynapseOptions& options,
                                                    const SynapseConstants& constants) {
  if (class_name == "DeltaCurrent") {
    return std::make_unique<DeltaCurrent<float>>(stream, options,
                                                 DeltaParameters{constants.spike_charge});
  }
  if (class_name == "DeltaPlusCurrent") {
    return std::make_unique<DeltaPlusCurrent<float>>(stream, options,
                                                     DeltaParameters{constants.spike_charge});
  }
  if (class_name == "SingleExponentialCurrent") {
    return std::make_unique<SingleExponentialCurrent<float>>(
        stream, options, ExponentialParameters{constants.spike_charge, constants.time_constant});
  }
  if (class_name == "DoubleExponentialCurrent") {
    return std::make_unique<DoubleExponentialCurrent<float>>(
        stream, options,
        DoubleExponentialParameters{constants.spike_charge, constants.tc_decay, constants.tc_rise});
  }
  refuse(place, "unknown class '" + class_name + "'");
}

std::vector<float> trace_history(const Stream& stream, const CurrentSynapse<float>& synapse,
                                 int trace) {
  return newest_first(stream, synapse.trace_ring(trace));
}

std::vector<std::uint8_t> spike_history(const Stream& stream,
                                        const CurrentSynapse<float>& synapse) {
  return newest_first(stream, synapse.spike_ring());
}

}  // namespace cusynapse::golden
