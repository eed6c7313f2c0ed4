// The numbers of the enumerations of C are those of C++.
#include "cusynapse/connection.hpp"
#include "cusynapse/projection.hpp"
#include "cusynapse/update_ops.hpp"
#include "host/c_api.hpp"

namespace cusynapse {
namespace {

template <class Enum>
constexpr bool is(Enum value, std::int32_t number) {
  return static_cast<std::int32_t>(value) == number;
}

static_assert(is(InputKind::values, CUSYNAPSE_INPUT_VALUES));
static_assert(is(InputKind::bytes, CUSYNAPSE_INPUT_BYTES));
static_assert(is(InputKind::bits, CUSYNAPSE_INPUT_BITS));
static_assert(is(Interpolation::previous, CUSYNAPSE_INTERPOLATION_PREVIOUS));
static_assert(is(Interpolation::next, CUSYNAPSE_INTERPOLATION_NEXT));
static_assert(is(Interpolation::nearest, CUSYNAPSE_INTERPOLATION_NEAREST));
static_assert(is(Interpolation::linear, CUSYNAPSE_INTERPOLATION_LINEAR));
static_assert(is(Interpolation::exponential_decay, CUSYNAPSE_INTERPOLATION_EXPONENTIAL_DECAY));
static_assert(is(Interpolation::exponential_rate_decay,
                 CUSYNAPSE_INTERPOLATION_EXPONENTIAL_RATE_DECAY));
static_assert(is(Extrapolation::previous, CUSYNAPSE_EXTRAPOLATION_PREVIOUS));
static_assert(is(Extrapolation::next, CUSYNAPSE_EXTRAPOLATION_NEXT));
static_assert(is(Extrapolation::nearest, CUSYNAPSE_EXTRAPOLATION_NEAREST));
static_assert(is(Extrapolation::neighbors, CUSYNAPSE_EXTRAPOLATION_NEIGHBORS));
static_assert(is(Extrapolation::linear_forward, CUSYNAPSE_EXTRAPOLATION_LINEAR_FORWARD));
static_assert(is(Extrapolation::linear_backward, CUSYNAPSE_EXTRAPOLATION_LINEAR_BACKWARD));
static_assert(is(Extrapolation::exponential_decay, CUSYNAPSE_EXTRAPOLATION_EXPONENTIAL_DECAY));
static_assert(is(Extrapolation::exponential_rate_decay,
                 CUSYNAPSE_EXTRAPOLATION_EXPONENTIAL_RATE_DECAY));
static_assert(is(SpikeInterpolation::previous, CUSYNAPSE_SPIKE_INTERPOLATION_PREVIOUS));
static_assert(is(SpikeInterpolation::nearest, CUSYNAPSE_SPIKE_INTERPOLATION_NEAREST));
static_assert(is(HistoryChange::clear, CUSYNAPSE_HISTORY_CLEAR));
static_assert(is(HistoryChange::keep, CUSYNAPSE_HISTORY_KEEP));
static_assert(is(Dynamics::spikes_only, CUSYNAPSE_DYNAMICS_SPIKES_ONLY));
static_assert(is(Dynamics::memoryless, CUSYNAPSE_DYNAMICS_MEMORYLESS));
static_assert(is(Dynamics::decay, CUSYNAPSE_DYNAMICS_DECAY));
static_assert(is(Dynamics::chain, CUSYNAPSE_DYNAMICS_CHAIN));
static_assert(is(StorageType::same, CUSYNAPSE_STORAGE_SAME));
static_assert(is(StorageType::float16, CUSYNAPSE_STORAGE_FLOAT16));
static_assert(is(StorageType::bfloat16, CUSYNAPSE_STORAGE_BFLOAT16));
static_assert(is(SelectRule::previous, CUSYNAPSE_SELECT_PREVIOUS));
static_assert(is(SelectRule::nearest, CUSYNAPSE_SELECT_NEAREST));
static_assert(is(SelectRule::exponential_decay, CUSYNAPSE_SELECT_EXPONENTIAL_DECAY));
static_assert(is(SelectRule::chain_decay, CUSYNAPSE_SELECT_CHAIN_DECAY));
static_assert(is(Parameter::weight, CUSYNAPSE_PARAMETER_WEIGHT));
static_assert(is(Parameter::bias, CUSYNAPSE_PARAMETER_BIAS));
static_assert(is(Parameter::delay, CUSYNAPSE_PARAMETER_DELAY));
static_assert(is(Output::replace, CUSYNAPSE_OUTPUT_REPLACE));
static_assert(is(Output::accumulate, CUSYNAPSE_OUTPUT_ACCUMULATE));
static_assert(is(SourceKind::traces, CUSYNAPSE_SOURCE_TRACES));
static_assert(is(SourceKind::bits, CUSYNAPSE_SOURCE_BITS));
static_assert(is(SourceKind::bytes, CUSYNAPSE_SOURCE_BYTES));
static_assert(is(SlotWidth::none, CUSYNAPSE_SLOT_WIDTH_NONE));
static_assert(is(SlotWidth::byte, CUSYNAPSE_SLOT_WIDTH_BYTE));
static_assert(is(SlotWidth::word, CUSYNAPSE_SLOT_WIDTH_WORD));
static_assert(is(SynapticLayout::direct, CUSYNAPSE_LAYOUT_DIRECT));
static_assert(is(SynapticLayout::dense, CUSYNAPSE_LAYOUT_DENSE));
static_assert(is(SynapticLayout::convolution, CUSYNAPSE_LAYOUT_CONVOLUTION));
static_assert(is(SynapticCopy::selector, CUSYNAPSE_COPY_SELECTOR));
static_assert(is(SynapticCopy::unfold, CUSYNAPSE_COPY_UNFOLD));
static_assert(is(SynapticCopy::fold_mean, CUSYNAPSE_COPY_FOLD_MEAN));
static_assert(is(SynapticCopy::transpose, CUSYNAPSE_COPY_TRANSPOSE));
static_assert(is(UpdateSide::positive, CUSYNAPSE_UPDATE_POSITIVE));
static_assert(is(UpdateSide::negative, CUSYNAPSE_UPDATE_NEGATIVE));
static_assert(is(UpdateReduction::sum, CUSYNAPSE_REDUCTION_SUM));
static_assert(is(UpdateReduction::mean, CUSYNAPSE_REDUCTION_MEAN));
static_assert(is(UpdateReduction::maximum, CUSYNAPSE_REDUCTION_MAXIMUM));
static_assert(is(BoundRule::none, CUSYNAPSE_BOUND_NONE));
static_assert(is(BoundRule::multiplicative, CUSYNAPSE_BOUND_MULTIPLICATIVE));
static_assert(is(BoundRule::power, CUSYNAPSE_BOUND_POWER));
static_assert(is(BoundRule::scaled_multiplicative, CUSYNAPSE_BOUND_SCALED_MULTIPLICATIVE));
static_assert(is(BoundRule::scaled_power, CUSYNAPSE_BOUND_SCALED_POWER));
static_assert(is(BoundRule::sharp, CUSYNAPSE_BOUND_SHARP));
static_assert(is(Receptor::excitatory, CUSYNAPSE_RECEPTOR_EXCITATORY));
static_assert(is(Receptor::inhibitory, CUSYNAPSE_RECEPTOR_INHIBITORY));
static_assert(is(Receptor::both, CUSYNAPSE_RECEPTOR_BOTH));

}  // namespace
}  // namespace cusynapse
