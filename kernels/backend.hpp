// What a backend must do: memory, and one pure virtual function an operation, so that a backend
// that forgets one does not compile.
#pragma once

#include <cstddef>

#include "cusynapse/connection_ops.hpp"
#include "cusynapse/neuron_ops.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/projection_ops.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/update_ops.hpp"

namespace cusynapse {

/// Operations on synapses, T float or double. Arguments have been checked.
template <class T>
class StepOperations {
 public:
  virtual void decay_inject(const Stream& stream, const DecayInject<T>& arguments) const = 0;
  virtual void decay_inject_grouped(const Stream& stream,
                                    const DecayInjectGroups<T>& arguments) const = 0;
  virtual void delayed_select(const Stream& stream, const DelayedSelect<T>& arguments) const = 0;
  virtual void spike_select(const Stream& stream, const SpikeSelect<T>& arguments) const = 0;
  virtual void count_outside(const Stream& stream, const T* values, std::int64_t size, T low,
                             T high, std::int64_t* partial_counts) const = 0;

 protected:
  ~StepOperations() = default;
};

/// Operations on neurons, T float or double. Arguments have been checked.
template <class T>
class NeuronOperations {
 public:
  virtual void leaky_integrate_and_fire(const Stream& stream,
                                        const LeakyIntegrateAndFireStep<T>& arguments) const = 0;
  virtual void refractory_read(const Stream& stream, const RefractoryRead<T>& arguments) const = 0;

 protected:
  ~NeuronOperations() = default;
};

/// Operations on histories, T float, double, float16, bfloat16 or bool. Arguments have been
/// checked.
template <class T>
class RingOperations {
 public:
  virtual void select(const Stream& stream, const RingSelect<T>& arguments) const = 0;
  virtual void insert(const Stream& stream, const RingInsert<T>& arguments) const = 0;
  virtual void write(const Stream& stream, const RingWrite<T>& arguments) const = 0;
  virtual void read(const Stream& stream, const RingRead<T>& arguments) const = 0;
  virtual void regrid(const Stream& stream, const RingRegrid<T>& arguments) const = 0;
  virtual void resample(const Stream& stream, const RingResample<T>& arguments) const = 0;

 protected:
  ~RingOperations() = default;
};

/// Updates of parameters, T float or double. Arguments have been checked.
template <class T>
class UpdateOperations {
 public:
  virtual void accumulate_part(const Stream& stream, const AccumulatePart<T>& arguments) const = 0;
  virtual void parameter_update(const Stream& stream,
                                const ParameterUpdate<T>& arguments) const = 0;

 protected:
  ~UpdateOperations() = default;
};

/// Operations of connections, T float or double. Arguments have been checked.
template <class T>
class ConnectionOperations {
 public:
  virtual void delay_plan(const Stream& stream, const DelayPlan<T>& arguments) const = 0;
  /// For a call at its fastest, or the least it can do with.
  virtual std::size_t dense_workspace_bytes(const DelayedDense<T>& arguments,
                                            bool is_least) const = 0;
  virtual void delayed_dense(const Stream& stream, const DelayedDense<T>& arguments) const = 0;
  virtual void delayed_direct(const Stream& stream, const DelayedDirect<T>& arguments) const = 0;
  virtual void delayed_conv2d(const Stream& stream, const DelayedConv2D<T>& arguments) const = 0;
  virtual void synaptic_select(const Stream& stream, const SynapticSelect<T>& arguments,
                               std::int64_t size) const = 0;
  virtual void synaptic_copy(const Stream& stream, const SynapticCopyArguments<T>& arguments,
                             std::int64_t size) const = 0;
  virtual void synaptic_copy(const Stream& stream,
                             const SynapticCopyArguments<std::uint8_t>& arguments,
                             std::int64_t size) const = 0;
  virtual void zero_diagonal(const Stream& stream, T* matrix, std::int64_t size) const = 0;
  virtual void clamp(const Stream& stream, T* values, std::int64_t size, T low, T high) const = 0;

 protected:
  ~ConnectionOperations() = default;
};

/// Operations on signed weight matrices, T float or double. Arguments have been checked.
template <class T>
class ProjectionOperations {
 public:
  virtual void linear_saturating(const Stream& stream,
                                 const LinearSaturating<T>& arguments) const = 0;
  virtual void hardware_image(const Stream& stream, const HardwareImage<T>& arguments) const = 0;
  virtual void masked_copy(const Stream& stream, const MaskedCopy<T>& arguments) const = 0;
  virtual void transposed_plan(const Stream& stream, const TransposedPlan<T>& arguments) const = 0;
  virtual void outer_product(const Stream& stream, const OuterProduct<T>& arguments) const = 0;

 protected:
  ~ProjectionOperations() = default;
};

/// A kind of device. Backends hold no state; one object of each serves the whole process.
class Backend {
 public:
  virtual int device_count() const noexcept = 0;
  /// Throws `Error(no_device)` and says why when the device cannot be used.
  virtual void require(Device device) const = 0;

  virtual void* allocate(Device device, std::size_t bytes) const = 0;
  virtual void deallocate(Device device, void* data) const noexcept = 0;
  virtual void copy_from_host(const Stream& stream, void* device, const void* host,
                              std::size_t bytes) const = 0;
  virtual void copy_to_host(const Stream& stream, void* host, const void* device,
                            std::size_t bytes) const = 0;
  virtual void copy(const Stream& stream, void* to, const void* from, std::size_t bytes) const = 0;
  virtual void fill_zero(const Stream& stream, void* device, std::size_t bytes) const = 0;

  virtual CUstream_st* create_stream(Device device) const = 0;
  virtual void destroy_stream(CUstream_st* stream) const noexcept = 0;
  virtual void synchronize(const Stream& stream) const = 0;

  /// A call of an object's member function begins, or of a free function where the owner is null,
  /// and the last one that began ends. For profilers alone.
  virtual void begin_range(const char* owner, const char* function) const noexcept = 0;
  virtual void end_range() const noexcept = 0;

  virtual void ring_advance(const Stream& stream, RingState* state, std::int32_t slots,
                            std::int64_t steps) const = 0;

  /// The operations for an element type, named by any value of it.
  virtual const StepOperations<float>& steps(float) const noexcept = 0;
  virtual const StepOperations<double>& steps(double) const noexcept = 0;
  virtual const ConnectionOperations<float>& connections(float) const noexcept = 0;
  virtual const ConnectionOperations<double>& connections(double) const noexcept = 0;
  virtual const NeuronOperations<float>& neurons(float) const noexcept = 0;
  virtual const NeuronOperations<double>& neurons(double) const noexcept = 0;
  virtual const RingOperations<float>& rings(float) const noexcept = 0;
  virtual const RingOperations<double>& rings(double) const noexcept = 0;
  virtual const RingOperations<float16>& rings(float16) const noexcept = 0;
  virtual const RingOperations<bfloat16>& rings(bfloat16) const noexcept = 0;
  virtual const RingOperations<bool>& rings(bool) const noexcept = 0;
  virtual const UpdateOperations<float>& updates(float) const noexcept = 0;
  virtual const UpdateOperations<double>& updates(double) const noexcept = 0;
  virtual const ProjectionOperations<float>& projections(float) const noexcept = 0;
  virtual const ProjectionOperations<double>& projections(double) const noexcept = 0;

 protected:
  ~Backend() = default;
};

/// The CPU backend. Always there.
const Backend& cpu_backend();

/// The CUDA backend. Defined only where the library was built with CUDA: see host/dispatch.cpp.
const Backend& cuda_backend();

}  // namespace cusynapse
