/* The C interface: everything of levels 2 and 3, for C99 and for languages that call C.
 *
 * A function does what the C++ function or member function of its name does. Shapes, units, what
 * may overlap, what allocates or synchronises, and the sources of formulas are stated there, in the
 * header of the same topic; comments here say what C adds.
 *
 * Errors. Functions that can fail return a status, 0 for success, and then leave a message for
 * `cusynapse_last_error_message`. A call that fails writes no output and changes no object. Null
 * handles and pointers, element types an object does not have, and numbers that are none of an
 * enumeration are refused with CUSYNAPSE_INVALID_ARGUMENT. No exception leaves a function.
 *
 * Handles are made by functions named create (and the few whose comment says so) and given back
 * with destroy, which takes NULL and may synchronise the device. A handle made from another one
 * keeps what it refers to alive, so that handles may be destroyed in any order. Functions of one
 * object are not called from two threads at a time, nor by a function of the caller's (a model, a
 * reduction, a transform) that the object calls.
 *
 * Structs that begin with `struct_size` may grow: it is the size the caller compiled. Their init
 * function sets it and the defaults, which are those of C++; members a caller does not know of keep
 * theirs. All other structs stay as they are. Functions named get_info fill one with what an object
 * was made from and what it is now.
 */
#ifndef CUSYNAPSE_CUSYNAPSE_H
#define CUSYNAPSE_CUSYNAPSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cusynapse/export.hpp"
#include "cusynapse/version.hpp"

#ifdef __cplusplus
extern "C" {
#endif

/* Errors */

/* 0, or what kind of failure: the codes of `cusynapse::Errc`. */
typedef int32_t cusynapse_status;
enum {
  CUSYNAPSE_SUCCESS = 0,
  CUSYNAPSE_INVALID_ARGUMENT = 1, /* a value outside its domain */
  CUSYNAPSE_SHAPE_MISMATCH = 2,   /* an array of another shape than the object expects */
  CUSYNAPSE_WRONG_DEVICE = 3,     /* a stream of another device than the object lives on */
  CUSYNAPSE_NOT_SUPPORTED = 4,    /* no meaning for this model or element type */
  CUSYNAPSE_OUT_OF_MEMORY = 5,    /* device or host memory ran out */
  CUSYNAPSE_NO_DEVICE = 6,        /* no driver, no such GPU, or a build without that backend */
  CUSYNAPSE_DEVICE_ERROR = 7,     /* the device reported a failure */
  CUSYNAPSE_INVALID_STATE = 8,    /* bytes that are no saved state, or none that fits the object */
  CUSYNAPSE_INTERNAL_ERROR = 255  /* a failure the library does not foresee */
};

/* Name of a status, such as "invalid_argument"; "unknown" for one that does not exist. */
CUSYNAPSE_EXPORT const char* cusynapse_status_name(cusynapse_status status);
/* What the last call of this thread that failed says: what, where, got and expected; "" before the
 * first. Valid until the next call of this thread that fails. Cut after 1023 bytes. */
CUSYNAPSE_EXPORT const char* cusynapse_last_error_message(void);
/* Version of the library that runs: major, minor, patch. NULL is left alone. */
CUSYNAPSE_EXPORT void cusynapse_version(int32_t version[3]);

/* Devices, streams and memory */

typedef int32_t cusynapse_device_kind;
enum { CUSYNAPSE_CPU = 1, CUSYNAPSE_CUDA = 2 };

typedef struct cusynapse_device {
  cusynapse_device_kind kind;
  int32_t ordinal; /* which GPU; 0 for the CPU */
} cusynapse_device;

/* An order of execution: a value, not owned. Zeros are no stream: none is chosen silently. */
typedef struct cusynapse_stream {
  cusynapse_device device;
  void* handle; /* a cudaStream_t; NULL for the CPU */
} cusynapse_stream;

/* A stream the library makes, for programs that have none. */
typedef struct cusynapse_owned_stream cusynapse_owned_stream;

CUSYNAPSE_EXPORT int32_t cusynapse_cuda_device_count(void);
CUSYNAPSE_EXPORT cusynapse_stream cusynapse_stream_cpu(void);
/* A cudaStream_t of the caller's, NULL being CUDA's legacy default stream. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_stream_cuda(void* cuda_stream, int32_t ordinal,
                                                        cusynapse_stream* stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_stream_synchronize(cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_owned_stream_create(cusynapse_device device,
                                                                cusynapse_owned_stream** owned);
CUSYNAPSE_EXPORT void cusynapse_owned_stream_destroy(cusynapse_owned_stream* owned);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_owned_stream_get(const cusynapse_owned_stream* owned,
                                                             cusynapse_stream* stream);

/* Memory of a device (buffer.hpp). Deallocate takes the device the memory was allocated on. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_memory_allocate(cusynapse_device device, size_t bytes,
                                                            void** data);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_memory_deallocate(cusynapse_device device, void* data);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_memory_copy_from_host(cusynapse_stream stream,
                                                                  void* device_data,
                                                                  const void* host_data,
                                                                  size_t bytes);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_memory_copy_to_host(cusynapse_stream stream,
                                                                void* host_data,
                                                                const void* device_data,
                                                                size_t bytes);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_memory_copy(cusynapse_stream stream, void* to,
                                                        const void* from, size_t bytes);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_memory_fill_zero(cusynapse_stream stream, void* data,
                                                             size_t bytes);

/* Arrays */

enum { CUSYNAPSE_MAX_RANK = 8, CUSYNAPSE_MAX_TRACES = 2, CUSYNAPSE_MAX_INJECTIONS = 16 };

/* Element types: of objects, float32 and float64, of histories and rings also those of 16 bits and
 * bits; of arrays, all but those of 16 bits. */
typedef int32_t cusynapse_dtype;
enum {
  CUSYNAPSE_FLOAT32 = 1,
  CUSYNAPSE_FLOAT64 = 2,
  CUSYNAPSE_UINT8 = 3,   /* spikes as bytes */
  CUSYNAPSE_BITS = 4,    /* spikes at one bit each, lowest bit of a byte first */
  CUSYNAPSE_FLOAT16 = 5, /* of histories and rings alone; their values are float32 */
  CUSYNAPSE_BFLOAT16 = 6 /* the same */
};

/* Extents, outermost first. Rank 0 is a scalar. */
typedef struct cusynapse_shape {
  int64_t rank;
  int64_t extents[CUSYNAPSE_MAX_RANK];
} cusynapse_shape;

/* A dense row-major array in memory of the caller's, on the device of the stream it is used with.
 * Zeros are no array, where one may be left out. */
typedef struct cusynapse_array {
  void* data;
  cusynapse_dtype dtype; /* of its elements */
  cusynapse_shape shape;
} cusynapse_array;

/* The same to read from. */
typedef struct cusynapse_const_array {
  const void* data;
  cusynapse_dtype dtype; /* of its elements */
  cusynapse_shape shape;
} cusynapse_const_array;

/* Enumerations, with the numbers of the C++ ones of the same names */

typedef int32_t cusynapse_input_kind;
enum { CUSYNAPSE_INPUT_VALUES, CUSYNAPSE_INPUT_BYTES, CUSYNAPSE_INPUT_BITS };

typedef int32_t cusynapse_interpolation;
enum {
  CUSYNAPSE_INTERPOLATION_PREVIOUS,
  CUSYNAPSE_INTERPOLATION_NEXT,
  CUSYNAPSE_INTERPOLATION_NEAREST,
  CUSYNAPSE_INTERPOLATION_LINEAR,
  CUSYNAPSE_INTERPOLATION_EXPONENTIAL_DECAY,
  CUSYNAPSE_INTERPOLATION_EXPONENTIAL_RATE_DECAY
};

typedef int32_t cusynapse_extrapolation;
enum {
  CUSYNAPSE_EXTRAPOLATION_PREVIOUS,
  CUSYNAPSE_EXTRAPOLATION_NEXT,
  CUSYNAPSE_EXTRAPOLATION_NEAREST,
  CUSYNAPSE_EXTRAPOLATION_NEIGHBORS,
  CUSYNAPSE_EXTRAPOLATION_LINEAR_FORWARD,
  CUSYNAPSE_EXTRAPOLATION_LINEAR_BACKWARD,
  CUSYNAPSE_EXTRAPOLATION_EXPONENTIAL_DECAY,
  CUSYNAPSE_EXTRAPOLATION_EXPONENTIAL_RATE_DECAY
};

typedef int32_t cusynapse_spike_interpolation;
enum { CUSYNAPSE_SPIKE_INTERPOLATION_PREVIOUS, CUSYNAPSE_SPIKE_INTERPOLATION_NEAREST };

typedef int32_t cusynapse_history_change;
enum { CUSYNAPSE_HISTORY_CLEAR, CUSYNAPSE_HISTORY_KEEP };

typedef int32_t cusynapse_dynamics;
enum {
  CUSYNAPSE_DYNAMICS_SPIKES_ONLY,
  CUSYNAPSE_DYNAMICS_MEMORYLESS,
  CUSYNAPSE_DYNAMICS_DECAY,
  CUSYNAPSE_DYNAMICS_CHAIN
};

/* What traces of a synapse or planned weights of a connection are stored as; 16 bits of float32
   alone. */
typedef int32_t cusynapse_storage_type;
enum { CUSYNAPSE_STORAGE_SAME, CUSYNAPSE_STORAGE_FLOAT16, CUSYNAPSE_STORAGE_BFLOAT16 };

typedef int32_t cusynapse_select_rule;
enum {
  CUSYNAPSE_SELECT_PREVIOUS,
  CUSYNAPSE_SELECT_NEAREST,
  CUSYNAPSE_SELECT_EXPONENTIAL_DECAY,
  CUSYNAPSE_SELECT_CHAIN_DECAY
};

typedef int32_t cusynapse_parameter;
enum { CUSYNAPSE_PARAMETER_WEIGHT, CUSYNAPSE_PARAMETER_BIAS, CUSYNAPSE_PARAMETER_DELAY };

typedef int32_t cusynapse_output;
enum { CUSYNAPSE_OUTPUT_REPLACE, CUSYNAPSE_OUTPUT_ACCUMULATE };

typedef int32_t cusynapse_source_kind;
enum { CUSYNAPSE_SOURCE_TRACES, CUSYNAPSE_SOURCE_BITS, CUSYNAPSE_SOURCE_BYTES };

typedef int32_t cusynapse_slot_width;
enum { CUSYNAPSE_SLOT_WIDTH_NONE, CUSYNAPSE_SLOT_WIDTH_BYTE, CUSYNAPSE_SLOT_WIDTH_WORD };

typedef int32_t cusynapse_synaptic_layout;
enum { CUSYNAPSE_LAYOUT_DIRECT, CUSYNAPSE_LAYOUT_DENSE, CUSYNAPSE_LAYOUT_CONVOLUTION };

typedef int32_t cusynapse_synaptic_copy_kind;
enum {
  CUSYNAPSE_COPY_SELECTOR,
  CUSYNAPSE_COPY_UNFOLD,
  CUSYNAPSE_COPY_FOLD_MEAN,
  CUSYNAPSE_COPY_TRANSPOSE
};

typedef int32_t cusynapse_update_side;
enum { CUSYNAPSE_UPDATE_POSITIVE, CUSYNAPSE_UPDATE_NEGATIVE };

typedef int32_t cusynapse_update_reduction;
enum { CUSYNAPSE_REDUCTION_SUM, CUSYNAPSE_REDUCTION_MEAN, CUSYNAPSE_REDUCTION_MAXIMUM };

typedef int32_t cusynapse_bound_rule;
enum {
  CUSYNAPSE_BOUND_NONE,
  CUSYNAPSE_BOUND_MULTIPLICATIVE,
  CUSYNAPSE_BOUND_POWER,
  CUSYNAPSE_BOUND_SCALED_MULTIPLICATIVE,
  CUSYNAPSE_BOUND_SCALED_POWER,
  CUSYNAPSE_BOUND_SHARP
};

typedef int32_t cusynapse_receptor;
enum { CUSYNAPSE_RECEPTOR_EXCITATORY, CUSYNAPSE_RECEPTOR_INHIBITORY, CUSYNAPSE_RECEPTOR_BOTH };

/* ==== Level 2: argument structs and one kernel a call =========================================
 *
 * Pointers are to memory of the stream's device, of elements of the type a call is given, float32
 * or float64, where they are void. Numbers are doubles and rounded once to that type. There are no
 * defaults: every member counts, and a struct that begins as zeros has what C++ leaves out. */

/* ops.hpp */

/* Position of a ring in device memory; zeros at first. */
typedef struct cusynapse_ring_state {
  int32_t head;
  uint32_t arrivals;
} cusynapse_ring_state;

typedef struct cusynapse_ring_head {
  cusynapse_ring_state* state; /* the head, advanced by kernels that push; or NULL */
  int32_t value;               /* the head where there is no state */
} cusynapse_ring_head;

/* Storage of a history: elements, or bits for CUSYNAPSE_BITS. */
typedef struct cusynapse_ring {
  void* data;
  int64_t size;
  int64_t stride;
  int32_t slots;
  cusynapse_ring_head head;
} cusynapse_ring;

/* Where a time lies between two observations: steps back to both, and the time since the older. */
typedef struct cusynapse_position {
  double older;
  double newer;
  double elapsed;
} cusynapse_position;

typedef struct cusynapse_decay_inject_arguments {
  cusynapse_dynamics dynamics;
  int32_t trace_count;
  double decay[CUSYNAPSE_MAX_TRACES];
  double gain[CUSYNAPSE_MAX_TRACES];
  double feed;
  void* traces[CUSYNAPSE_MAX_TRACES];
  cusynapse_storage_type storage; /* of traces */
  uint8_t* spikes;
  int64_t size;
  int64_t stride;
  int32_t slots;
  cusynapse_ring_head head;
  cusynapse_input_kind input_kind;
  const void* input;
  int64_t input_stride;
  int64_t steps;
  const void* injected[CUSYNAPSE_MAX_INJECTIONS];
  int32_t injected_count;
} cusynapse_decay_inject_arguments;

/* One population of a grouped step. The device's table of them holds `group_size` bytes each, which
 * `group_pack` writes to memory of the host. */
typedef struct cusynapse_decay_inject_group {
  cusynapse_decay_inject_arguments step;
  int64_t input_offset;
  int64_t first_tile;
  int64_t tile_count;
} cusynapse_decay_inject_group;

enum { CUSYNAPSE_GROUP_TILE = 1024, CUSYNAPSE_COUNT_TILE = 4096 };

typedef struct cusynapse_decay_inject_grouped_arguments {
  const void* groups; /* a packed population each */
  const int32_t* tile_group;
  int64_t tile_count;
  cusynapse_input_kind input_kind;
  const void* input;
} cusynapse_decay_inject_grouped_arguments;

typedef struct cusynapse_delayed_select_arguments {
  cusynapse_select_rule rule;
  int32_t trace_count;
  const void* traces[CUSYNAPSE_MAX_TRACES];
  cusynapse_storage_type storage; /* of traces */
  double time_constant[CUSYNAPSE_MAX_TRACES];
  double feed_rate;
  double weight[CUSYNAPSE_MAX_TRACES];
  int64_t size;
  int64_t stride;
  int32_t slots;
  cusynapse_ring_head head;
  double step_time;
  double tolerance;
  double limit;
  bool has_overbound;
  double overbound;
  const void* selector;
  int64_t samples;
  void* out;
} cusynapse_delayed_select_arguments;

typedef struct cusynapse_spike_select_arguments {
  bool nearest;
  const uint8_t* spikes;
  int64_t size;
  int64_t stride;
  int32_t slots;
  cusynapse_ring_head head;
  double step_time;
  double tolerance;
  double limit;
  bool has_overbound;
  double overbound;
  const void* selector;
  int64_t samples;
  double amplitude;
  void* values;
  uint8_t* bytes;
} cusynapse_spike_select_arguments;

/* The ring operations also take CUSYNAPSE_BITS: values are then bytes, times float32; and
 * CUSYNAPSE_FLOAT16 and CUSYNAPSE_BFLOAT16: values and times are then float32, and a `feeder` is of
 * 16 bits. */
typedef struct cusynapse_ring_select_arguments {
  cusynapse_ring ring;
  cusynapse_interpolation interpolation;
  double constant;
  double step_time;
  double tolerance;
  double offset;
  const void* times;
  cusynapse_position position;
  int64_t samples;
  void* out;
} cusynapse_ring_select_arguments;

typedef struct cusynapse_ring_insert_arguments {
  cusynapse_ring ring;
  cusynapse_extrapolation extrapolation;
  double constant;
  double adjust_scale;
  double adjust_shift;
  double step_time;
  double tolerance;
  double offset;
  const void* times;
  cusynapse_position position;
  const void* values;
} cusynapse_ring_insert_arguments;

typedef struct cusynapse_ring_write_arguments {
  cusynapse_ring ring;
  const void* values;
  int64_t frames;
  int64_t element_stride;
  int64_t frame_stride;
  int64_t steps_back;
  int32_t advance;
} cusynapse_ring_write_arguments;

typedef struct cusynapse_ring_read_arguments {
  cusynapse_ring ring;
  void* out;
  int64_t frames;
  int64_t element_stride;
  int64_t frame_stride;
  int64_t steps_back;
} cusynapse_ring_read_arguments;

typedef struct cusynapse_ring_regrid_arguments {
  cusynapse_ring source;
  cusynapse_ring destination;
} cusynapse_ring_regrid_arguments;

typedef struct cusynapse_ring_resample_arguments {
  cusynapse_ring source;
  cusynapse_ring destination;
  double source_step;
  double destination_step;
  cusynapse_select_rule rule;
  double time_constant;
  double tolerance;
  double feed_rate;
  const void* feeder;
} cusynapse_ring_resample_arguments;

/* Distance between slots for frames of `size` elements. */
CUSYNAPSE_EXPORT int64_t cusynapse_slot_stride(int64_t size);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_decay_inject(cusynapse_stream stream, cusynapse_dtype dtype,
                       const cusynapse_decay_inject_arguments* arguments);
/* Bytes of an entry of the device's table of populations. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_decay_inject_group_size(cusynapse_dtype dtype,
                                                                    size_t* bytes);
/* One entry of it, from a population. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_decay_inject_group_pack(
    cusynapse_dtype dtype, const cusynapse_decay_inject_group* group, void* host_entry);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_decay_inject_grouped(cusynapse_stream stream, cusynapse_dtype dtype,
                               const cusynapse_decay_inject_grouped_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_delayed_select(cusynapse_stream stream, cusynapse_dtype dtype,
                         const cusynapse_delayed_select_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_spike_select(cusynapse_stream stream, cusynapse_dtype dtype,
                       const cusynapse_spike_select_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_ring_select(cusynapse_stream stream, cusynapse_dtype dtype,
                      const cusynapse_ring_select_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_ring_insert(cusynapse_stream stream, cusynapse_dtype dtype,
                      const cusynapse_ring_insert_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_ring_write(cusynapse_stream stream, cusynapse_dtype dtype,
                     const cusynapse_ring_write_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_ring_read(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_ring_read_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_ring_regrid(cusynapse_stream stream, cusynapse_dtype dtype,
                      const cusynapse_ring_regrid_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_ring_resample(cusynapse_stream stream, cusynapse_dtype dtype,
                        const cusynapse_ring_resample_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_ring_advance(cusynapse_stream stream,
                                                         cusynapse_ring_state* state, int32_t slots,
                                                         int64_t steps);
/* partial_counts: an int64_t of the device for every CUSYNAPSE_COUNT_TILE values begun. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_count_outside(cusynapse_stream stream,
                                                          cusynapse_dtype dtype, const void* values,
                                                          int64_t size, double low, double high,
                                                          int64_t* partial_counts);

/* connection_ops.hpp */

typedef struct cusynapse_current_source {
  cusynapse_source_kind kind;
  int32_t trace_count;
  const void* traces[CUSYNAPSE_MAX_TRACES];
  cusynapse_storage_type storage; /* of traces */
  double weight[CUSYNAPSE_MAX_TRACES];
  const uint8_t* spikes;
  double amplitude;
  int64_t stride;
  int32_t slots;
  cusynapse_ring_head head;
} cusynapse_current_source;

typedef struct cusynapse_planned_weights {
  const void* weights[CUSYNAPSE_MAX_TRACES];
  cusynapse_storage_type storage; /* of weights */
  cusynapse_slot_width width;
  const void* slots;
  int32_t delay_slots;
  double overbound;
} cusynapse_planned_weights;

typedef struct cusynapse_delay_plan_arguments {
  cusynapse_delayed_select_arguments select;
  int64_t rows;
  int64_t columns;
  bool is_tiled;
  const void* weights;
  const void* delays;
  cusynapse_slot_width width;
  void* slots;
  void* planned[CUSYNAPSE_MAX_TRACES];
  cusynapse_storage_type storage; /* of planned */
} cusynapse_delay_plan_arguments;

typedef struct cusynapse_delayed_dense_arguments {
  cusynapse_current_source source;
  cusynapse_planned_weights plan;
  int64_t inputs;
  int64_t outputs;
  int64_t batch;
  int64_t steps;
  const void* bias;
  bool accumulates;
  void* out;
  void* workspace;
  size_t workspace_bytes;
} cusynapse_delayed_dense_arguments;

typedef struct cusynapse_delayed_direct_arguments {
  cusynapse_current_source source;
  cusynapse_planned_weights plan;
  int64_t size;
  int64_t batch;
  const void* bias;
  bool accumulates;
  void* out;
} cusynapse_delayed_direct_arguments;

typedef struct cusynapse_convolution_geometry {
  int64_t channels;
  int64_t height;
  int64_t width;
  int64_t filters;
  int64_t kernel[2];
  int64_t stride[2];
  int64_t padding[2];
  int64_t dilation[2];
  int64_t out_height;
  int64_t out_width;
} cusynapse_convolution_geometry;

typedef struct cusynapse_delayed_conv2d_arguments {
  cusynapse_current_source source;
  cusynapse_planned_weights plan;
  cusynapse_convolution_geometry geometry;
  int64_t batch;
  const void* bias;
  bool accumulates;
  void* out;
} cusynapse_delayed_conv2d_arguments;

typedef struct cusynapse_synaptic_select_arguments {
  cusynapse_synaptic_layout layout;
  int64_t batch;
  int64_t inputs;
  int64_t outputs;
  cusynapse_convolution_geometry geometry;
  const void* delays;
  cusynapse_current_source source;
  cusynapse_delayed_select_arguments select;
  void* values;
  uint8_t* bytes;
} cusynapse_synaptic_select_arguments;

typedef struct cusynapse_synaptic_copy_arguments {
  cusynapse_synaptic_copy_kind copy;
  cusynapse_synaptic_layout layout;
  int64_t batch;
  int64_t rows;
  int64_t columns;
  cusynapse_convolution_geometry geometry;
  const void* in;
  void* out;
} cusynapse_synaptic_copy_arguments;

/* `slot_width` of C++. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_slot_width_of(int32_t slots,
                                                          cusynapse_slot_width* width);
/* Elements of a planned dense array. */
CUSYNAPSE_EXPORT int64_t cusynapse_dense_plan_size(int64_t inputs, int64_t outputs);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_delay_plan(cusynapse_stream stream, cusynapse_dtype dtype,
                     const cusynapse_delay_plan_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_dense_workspace_bytes(cusynapse_device device, cusynapse_dtype dtype,
                                const cusynapse_delayed_dense_arguments* arguments, size_t* bytes);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_delayed_dense(cusynapse_stream stream, cusynapse_dtype dtype,
                        const cusynapse_delayed_dense_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_delayed_direct(cusynapse_stream stream, cusynapse_dtype dtype,
                         const cusynapse_delayed_direct_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_delayed_conv2d(cusynapse_stream stream, cusynapse_dtype dtype,
                         const cusynapse_delayed_conv2d_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_synaptic_select(cusynapse_stream stream, cusynapse_dtype dtype,
                          const cusynapse_synaptic_select_arguments* arguments);
/* Also of CUSYNAPSE_UINT8. */
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_synaptic_copy(cusynapse_stream stream, cusynapse_dtype dtype,
                        const cusynapse_synaptic_copy_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_zero_diagonal(cusynapse_stream stream,
                                                          cusynapse_dtype dtype, void* matrix,
                                                          int64_t size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_clamp(cusynapse_stream stream, cusynapse_dtype dtype,
                                                  void* values, int64_t size, double low,
                                                  double high);

/* neuron_ops.hpp */

typedef struct cusynapse_leaky_integrate_and_fire_arguments {
  double decay;
  double gain;
  double rest_voltage;
  double reset_voltage;
  double threshold_voltage;
  uint16_t refractory_steps;
  int64_t size;
  const void* current;
  void* voltage;
  uint16_t* refractory;
  uint8_t* spikes;
} cusynapse_leaky_integrate_and_fire_arguments;

typedef struct cusynapse_refractory_read_arguments {
  const uint16_t* refractory;
  int64_t size;
  double step_time;
  void* time_left;
  uint8_t* spikes;
} cusynapse_refractory_read_arguments;

CUSYNAPSE_EXPORT cusynapse_status
cusynapse_leaky_integrate_and_fire(cusynapse_stream stream, cusynapse_dtype dtype,
                                   const cusynapse_leaky_integrate_and_fire_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_refractory_read(cusynapse_stream stream, cusynapse_dtype dtype,
                          const cusynapse_refractory_read_arguments* arguments);

/* update_ops.hpp */

/* Numbers of parts in device memory; zeros at first. */
typedef struct cusynapse_update_state {
  int64_t parts[2];
  uint32_t arrivals;
} cusynapse_update_state;

typedef struct cusynapse_update_bound {
  cusynapse_bound_rule rule;
  double limit;
  double power;
  double range;
} cusynapse_update_bound;

typedef struct cusynapse_update_bounds {
  cusynapse_update_bound upper;
  cusynapse_update_bound lower;
} cusynapse_update_bounds;

typedef struct cusynapse_accumulate_part_arguments {
  cusynapse_update_side side;
  cusynapse_update_reduction reduction;
  int64_t size;
  const void* part;
  void* accumulated;
  cusynapse_update_state* state;
} cusynapse_accumulate_part_arguments;

typedef struct cusynapse_parameter_update_arguments {
  int64_t size;
  void* parameter;
  const void* positive;
  const void* negative;
  cusynapse_update_reduction reduction;
  cusynapse_update_state* state;
  cusynapse_update_bound upper;
  cusynapse_update_bound lower;
} cusynapse_parameter_update_arguments;

CUSYNAPSE_EXPORT cusynapse_status
cusynapse_accumulate_part(cusynapse_stream stream, cusynapse_dtype dtype,
                          const cusynapse_accumulate_part_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_parameter_update(cusynapse_stream stream, cusynapse_dtype dtype,
                           const cusynapse_parameter_update_arguments* arguments);

/* projection_ops.hpp */

enum { CUSYNAPSE_LARGEST_HARDWARE_WEIGHT = 63 };

typedef struct cusynapse_linear_saturating_arguments {
  const void* values;
  int64_t size;
  double scale;
  double minimum;
  double maximum;
  void* out;
} cusynapse_linear_saturating_arguments;

typedef struct cusynapse_hardware_image_arguments {
  const void* values;
  int64_t size;
  uint8_t* excitatory;
  uint8_t* inhibitory;
} cusynapse_hardware_image_arguments;

typedef struct cusynapse_masked_copy_arguments {
  const void* values;
  const uint8_t* mask;
  int64_t size;
  void* out;
} cusynapse_masked_copy_arguments;

typedef struct cusynapse_transposed_plan_arguments {
  int64_t inputs;
  int64_t outputs;
  const void* weights;
  void* planned;
} cusynapse_transposed_plan_arguments;

typedef struct cusynapse_outer_product_arguments {
  int64_t rows;
  int64_t outputs;
  int64_t inputs;
  const void* left;
  cusynapse_input_kind right_kind;
  const void* right;
  const uint8_t* mask;
  bool accumulates;
  void* out;
} cusynapse_outer_product_arguments;

CUSYNAPSE_EXPORT cusynapse_status
cusynapse_linear_saturating(cusynapse_stream stream, cusynapse_dtype dtype,
                            const cusynapse_linear_saturating_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_hardware_image(cusynapse_stream stream, cusynapse_dtype dtype,
                         const cusynapse_hardware_image_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_masked_copy(cusynapse_stream stream, cusynapse_dtype dtype,
                      const cusynapse_masked_copy_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_transposed_plan(cusynapse_stream stream, cusynapse_dtype dtype,
                          const cusynapse_transposed_plan_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_outer_product(cusynapse_stream stream, cusynapse_dtype dtype,
                        const cusynapse_outer_product_arguments* arguments);

/* ==== Level 3: objects ========================================================================
 *
 * Info and option functions set no `struct_size`: the caller's init has. */

/* state.hpp */

/* The bytes of a saved state, which functions named save make. Functions that take a state take its
 * bytes, wherever they come from; create_from_state gives the object the element type it was saved
 * with, on the stream's device. */
typedef struct cusynapse_state cusynapse_state;

CUSYNAPSE_EXPORT void cusynapse_state_destroy(cusynapse_state* state);
/* Valid as long as the state. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_state_get_bytes(const cusynapse_state* state,
                                                            const uint8_t** data, size_t* size);

/* history.hpp. Of CUSYNAPSE_BITS, values are arrays of CUSYNAPSE_UINT8 and times CUSYNAPSE_FLOAT32;
 * of CUSYNAPSE_FLOAT16 and CUSYNAPSE_BFLOAT16, values and times are CUSYNAPSE_FLOAT32. */

typedef struct cusynapse_history cusynapse_history;

typedef struct cusynapse_history_options {
  size_t struct_size;
  cusynapse_shape shape;
  int64_t batch_size;
  double step_time;
  double duration;
  bool inclusive;
} cusynapse_history_options;

typedef struct cusynapse_select_options {
  size_t struct_size;
  cusynapse_interpolation interpolation;
  double constant;
  double tolerance;
  int64_t offset;
} cusynapse_select_options;

typedef struct cusynapse_insert_options {
  size_t struct_size;
  cusynapse_extrapolation extrapolation;
  double constant;
  double adjust_scale;
  double adjust_shift;
  double tolerance;
  int64_t offset;
} cusynapse_insert_options;

/* What a history is, besides its options. */
typedef struct cusynapse_history_info {
  size_t struct_size;
  cusynapse_dtype dtype; /* of its elements */
  cusynapse_device device;
  int32_t slots;
} cusynapse_history_info;

/* Init functions take the size of the struct as the caller compiled it: init(&x, sizeof x). */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_options_init(cusynapse_history_options* options,
                                                                 size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_select_options_init(cusynapse_select_options* options,
                                                                size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_insert_options_init(cusynapse_insert_options* options,
                                                                size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_info_init(cusynapse_history_info* info,
                                                              size_t struct_size);

CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_create(cusynapse_stream stream,
                                                           cusynapse_dtype dtype,
                                                           const cusynapse_history_options* options,
                                                           cusynapse_history** history);
CUSYNAPSE_EXPORT void cusynapse_history_destroy(cusynapse_history* history);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_get_options(const cusynapse_history* history,
                                                                cusynapse_history_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_get_info(const cusynapse_history* history,
                                                             cusynapse_history_info* info);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_pointer(const cusynapse_history* history,
                                                            cusynapse_stream stream, int32_t* head);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_ring(cusynapse_history* history,
                                                         cusynapse_ring* ring);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_push(cusynapse_history* history,
                                                         cusynapse_stream stream,
                                                         cusynapse_const_array observation);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_peek(const cusynapse_history* history,
                                                         cusynapse_stream stream,
                                                         cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_pop(cusynapse_history* history,
                                                        cusynapse_stream stream,
                                                        cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_increment(cusynapse_history* history,
                                                              cusynapse_stream stream, int64_t n);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_decrement(cusynapse_history* history,
                                                              cusynapse_stream stream, int64_t n);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_read(const cusynapse_history* history,
                                                         cusynapse_stream stream,
                                                         cusynapse_array out, int64_t steps_back);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_write(cusynapse_history* history,
                                                          cusynapse_stream stream,
                                                          cusynapse_const_array observation,
                                                          int64_t steps_back);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_read_range(const cusynapse_history* history,
                                                               cusynapse_stream stream,
                                                               cusynapse_array out,
                                                               int64_t steps_back, bool forward);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_write_range(cusynapse_history* history,
                                                                cusynapse_stream stream,
                                                                cusynapse_const_array observations,
                                                                int64_t steps_back, bool forward);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_align(cusynapse_history* history,
                                                          cusynapse_stream stream, int32_t index);
/* fill is rounded to the element type; 0 or 1 for bits. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_reset(cusynapse_history* history,
                                                          cusynapse_stream stream, double fill);
/* NULL options are the defaults, here and in what follows. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_select(const cusynapse_history* history,
                                                           cusynapse_stream stream,
                                                           cusynapse_const_array times,
                                                           cusynapse_array out,
                                                           const cusynapse_select_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_select_unchecked(
    const cusynapse_history* history, cusynapse_stream stream, cusynapse_const_array times,
    cusynapse_array out, const cusynapse_select_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_select_at_time(
    const cusynapse_history* history, cusynapse_stream stream, double time, cusynapse_array out,
    const cusynapse_select_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_insert(cusynapse_history* history,
                                                           cusynapse_stream stream,
                                                           cusynapse_const_array observation,
                                                           cusynapse_const_array times,
                                                           const cusynapse_insert_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_insert_unchecked(
    cusynapse_history* history, cusynapse_stream stream, cusynapse_const_array observation,
    cusynapse_const_array times, const cusynapse_insert_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_insert_at_time(
    cusynapse_history* history, cusynapse_stream stream, cusynapse_const_array observation,
    double time, const cusynapse_insert_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_set_step_time(cusynapse_history* history,
                                                                  cusynapse_stream stream,
                                                                  double step_time);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_set_duration(cusynapse_history* history,
                                                                 cusynapse_stream stream,
                                                                 double duration);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_set_inclusive(cusynapse_history* history,
                                                                  cusynapse_stream stream,
                                                                  bool inclusive);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_set_batch_size(cusynapse_history* history,
                                                                   cusynapse_stream stream,
                                                                   int64_t batch_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_save(const cusynapse_history* history,
                                                         cusynapse_stream stream,
                                                         cusynapse_state** state);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_load(cusynapse_history* history,
                                                         cusynapse_stream stream,
                                                         const uint8_t* data, size_t size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_history_create_from_state(cusynapse_stream stream,
                                                                      const uint8_t* data,
                                                                      size_t size,
                                                                      cusynapse_history** history);

/* synapse.hpp, models.hpp */

typedef struct cusynapse_synapse cusynapse_synapse;

typedef int32_t cusynapse_model_kind;
enum {
  CUSYNAPSE_DELTA_CURRENT = 1,
  CUSYNAPSE_DELTA_PLUS_CURRENT = 2,
  CUSYNAPSE_SINGLE_EXPONENTIAL_CURRENT = 3,
  CUSYNAPSE_DOUBLE_EXPONENTIAL_CURRENT = 4,
  CUSYNAPSE_ALPHA_CURRENT = 5,
  CUSYNAPSE_CUSTOM_CURRENT = 6 /* a model of the caller's */
};

/* A model as data (SynapseModel). */
typedef struct cusynapse_trace {
  double time_constant;
  double gain;
  double weight;
} cusynapse_trace;

typedef struct cusynapse_synapse_model {
  cusynapse_dynamics dynamics;
  int32_t trace_count;
  cusynapse_trace traces[CUSYNAPSE_MAX_TRACES];
  double feed_rate;
  double spike_amplitude;
} cusynapse_synapse_model;

/* Gives a model of the caller's at a step time (ms): called when a synapse is made and at every
 * change of the step time or of the model. `model` holds the defaults of C++. What it returns other
 * than 0 fails the call with that status. */
typedef cusynapse_status (*cusynapse_model_function)(void* context, double step_time,
                                                     cusynapse_synapse_model* model);

/* A model and its constants; members its kind does not name are neither read nor written. */
typedef struct cusynapse_model {
  cusynapse_model_kind kind;
  double spike_charge;               /* pC; all but custom */
  double time_constant;              /* ms; single exponential, alpha */
  double tc_decay;                   /* ms; double exponential */
  double tc_rise;                    /* ms; double exponential */
  const char* name;                  /* custom: for messages; copied */
  cusynapse_model_function function; /* custom */
  void* context;                     /* custom: handed to the function */
} cusynapse_model;

typedef struct cusynapse_synapse_options {
  size_t struct_size;
  cusynapse_shape shape;
  int64_t batch_size;
  double step_time;
  double delay;
  cusynapse_spike_interpolation interpolation;
  double tolerance;
  bool has_current_overbound; /* otherwise the current at the largest delay */
  double current_overbound;
  bool has_spike_overbound;
  bool spike_overbound;
  cusynapse_storage_type storage; /* of traces */
} cusynapse_synapse_options;

/* What a synapse is, besides its options and model. */
typedef struct cusynapse_synapse_info {
  size_t struct_size;
  cusynapse_dtype dtype; /* of its elements */
  cusynapse_device device;
  const char* name; /* of the model; valid as long as the synapse */
  int32_t slots;
  int32_t trace_count;
  uint64_t version;
} cusynapse_synapse_info;

CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_options_init(cusynapse_synapse_options* options,
                                                                 size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_info_init(cusynapse_synapse_info* info,
                                                              size_t struct_size);

CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_create(cusynapse_stream stream,
                                                           cusynapse_dtype dtype,
                                                           const cusynapse_synapse_options* options,
                                                           const cusynapse_model* model,
                                                           cusynapse_synapse** synapse);
CUSYNAPSE_EXPORT void cusynapse_synapse_destroy(cusynapse_synapse* synapse);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_get_options(const cusynapse_synapse* synapse,
                                                                cusynapse_synapse_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_get_info(const cusynapse_synapse* synapse,
                                                             cusynapse_synapse_info* info);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_get_model(const cusynapse_synapse* synapse,
                                                              cusynapse_model* model);
/* Other constants of the same kind. A custom model's name stays. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_set_model(cusynapse_synapse* synapse,
                                                              const cusynapse_model* model);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_pointer(const cusynapse_synapse* synapse,
                                                            cusynapse_stream stream, int32_t* head);
/* injected: `injected_count` arrays; NULL and 0 for none. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_step(cusynapse_synapse* synapse,
                                                         cusynapse_stream stream,
                                                         cusynapse_const_array input,
                                                         const cusynapse_const_array* injected,
                                                         int64_t injected_count);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_step_sequence(cusynapse_synapse* synapse,
                                                                  cusynapse_stream stream,
                                                                  cusynapse_const_array inputs);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_current(const cusynapse_synapse* synapse,
                                                            cusynapse_stream stream,
                                                            cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_spike(const cusynapse_synapse* synapse,
                                                          cusynapse_stream stream,
                                                          cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_current_at(const cusynapse_synapse* synapse,
                                                               cusynapse_stream stream,
                                                               cusynapse_const_array selector,
                                                               cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_spike_at(const cusynapse_synapse* synapse,
                                                             cusynapse_stream stream,
                                                             cusynapse_const_array selector,
                                                             cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_set_spike(cusynapse_synapse* synapse,
                                                              cusynapse_stream stream,
                                                              cusynapse_const_array spikes);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_set_current(cusynapse_synapse* synapse,
                                                                cusynapse_stream stream,
                                                                cusynapse_const_array current);
/* The two parts of a double exponential current; CUSYNAPSE_NOT_SUPPORTED for other models. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_pos_current(const cusynapse_synapse* synapse,
                                                                cusynapse_stream stream,
                                                                cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_neg_current(const cusynapse_synapse* synapse,
                                                                cusynapse_stream stream,
                                                                cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_set_pos_current(cusynapse_synapse* synapse,
                                                                    cusynapse_stream stream,
                                                                    cusynapse_const_array values);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_set_neg_current(cusynapse_synapse* synapse,
                                                                    cusynapse_stream stream,
                                                                    cusynapse_const_array values);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_pos_current_at(const cusynapse_synapse* synapse,
                                                                   cusynapse_stream stream,
                                                                   cusynapse_const_array selector,
                                                                   cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_neg_current_at(const cusynapse_synapse* synapse,
                                                                   cusynapse_stream stream,
                                                                   cusynapse_const_array selector,
                                                                   cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_clear(cusynapse_synapse* synapse,
                                                          cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_set_batch_size(cusynapse_synapse* synapse,
                                                                   cusynapse_stream stream,
                                                                   int64_t batch_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_set_step_time(cusynapse_synapse* synapse,
                                                                  cusynapse_stream stream,
                                                                  double step_time,
                                                                  cusynapse_history_change change);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_set_delay(cusynapse_synapse* synapse,
                                                              cusynapse_stream stream, double delay,
                                                              cusynapse_history_change change);
/* Constants of a model of the caller's are not saved: its synapses load states of the same ones,
 * and none is made from a state alone. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_save(const cusynapse_synapse* synapse,
                                                         cusynapse_stream stream,
                                                         cusynapse_state** state);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_load(cusynapse_synapse* synapse,
                                                         cusynapse_stream stream,
                                                         const uint8_t* data, size_t size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_create_from_state(cusynapse_stream stream,
                                                                      const uint8_t* data,
                                                                      size_t size,
                                                                      cusynapse_synapse** synapse);
/* For level 2: valid until the next change of batch size, step time or delay. A trace's elements
 * are what `storage` of the synapse's options says: in 16 bits, a ring of CUSYNAPSE_FLOAT16 or
 * CUSYNAPSE_BFLOAT16. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_trace_ring(const cusynapse_synapse* synapse,
                                                               int32_t trace, cusynapse_ring* ring);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_spike_ring(const cusynapse_synapse* synapse,
                                                               cusynapse_ring* ring);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_readout(
    const cusynapse_synapse* synapse, cusynapse_delayed_select_arguments* current,
    cusynapse_spike_select_arguments* spike);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_step_arguments(
    const cusynapse_synapse* synapse, cusynapse_decay_inject_arguments* arguments);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_select_arguments(
    const cusynapse_synapse* synapse, cusynapse_delayed_select_arguments* arguments);

/* SynapseGroup */

typedef struct cusynapse_synapse_group cusynapse_synapse_group;

/* What get_info tells. */
typedef struct cusynapse_synapse_group_info {
  size_t struct_size;
  cusynapse_dtype dtype; /* of its elements */
  int64_t size;          /* members */
  int64_t input_size;
} cusynapse_synapse_group_info;

CUSYNAPSE_EXPORT cusynapse_status
cusynapse_synapse_group_info_init(cusynapse_synapse_group_info* info, size_t struct_size);
/* Makes its members: `count` pointers to options and to models. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_group_create(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_synapse_options* const* options,
    const cusynapse_model* const* models, int64_t count, cusynapse_synapse_group** group);
CUSYNAPSE_EXPORT void cusynapse_synapse_group_destroy(cusynapse_synapse_group* group);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_group_get_info(
    const cusynapse_synapse_group* group, cusynapse_synapse_group_info* info);
/* A new handle of a member. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_group_member(cusynapse_synapse_group* group,
                                                                 int64_t index,
                                                                 cusynapse_synapse** member);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_group_input_offset(
    const cusynapse_synapse_group* group, int64_t index, int64_t* offset);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_group_step(cusynapse_synapse_group* group,
                                                               cusynapse_stream stream,
                                                               cusynapse_const_array input);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_synapse_group_refresh(cusynapse_synapse_group* group,
                                                                  cusynapse_stream stream);

/* connection.hpp */

typedef struct cusynapse_connection cusynapse_connection;

typedef struct cusynapse_connection_options {
  size_t struct_size;
  bool biased;
  bool has_delays; /* otherwise no delays can be set, and `delay` is not read */
  double delay;
  double step_time;
  int64_t batch_size;
  uint64_t seed;
  cusynapse_storage_type weight_storage; /* of planned weights */
} cusynapse_connection_options;

typedef struct cusynapse_conv2d_options {
  size_t struct_size;
  int64_t channels;
  int64_t height;
  int64_t width;
  int64_t filters;
  int64_t kernel[2];
  int64_t stride[2];
  int64_t padding[2];
  int64_t dilation[2];
} cusynapse_conv2d_options;

/* What get_info tells. */
typedef struct cusynapse_connection_info {
  size_t struct_size;
  cusynapse_dtype dtype; /* of its elements */
  cusynapse_device device;
  const char* name;
  int64_t batch_size;
  double step_time;
  bool biased;
  bool has_delays;
  bool is_delayed;
  double delayed_by;                     /* 0 without delays */
  cusynapse_storage_type weight_storage; /* of planned weights */
  cusynapse_shape input_shape;
  cusynapse_shape output_shape;
  cusynapse_shape synaptic_shape;
  cusynapse_shape weight_shape;
  cusynapse_shape bias_shape;
  cusynapse_shape selector_shape;
  cusynapse_shape synaptic_selection_shape;
} cusynapse_connection_info;

CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_options_init(cusynapse_connection_options* options, size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_conv2d_options_init(cusynapse_conv2d_options* options,
                                                                size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_info_init(cusynapse_connection_info* info,
                                                                 size_t struct_size);

/* The synapse is made of a model; `synapse_defaults` gives what the connection does not say
 * (interpolation, tolerance, overbounds), NULL the defaults. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_linear_dense_create(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_shape* input,
    const cusynapse_shape* output, const cusynapse_connection_options* options,
    const cusynapse_model* model, const cusynapse_synapse_options* synapse_defaults,
    cusynapse_connection** connection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_linear_direct_create(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_shape* shape,
    const cusynapse_connection_options* options, const cusynapse_model* model,
    const cusynapse_synapse_options* synapse_defaults, cusynapse_connection** connection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_linear_lateral_create(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_shape* shape,
    const cusynapse_connection_options* options, const cusynapse_model* model,
    const cusynapse_synapse_options* synapse_defaults, cusynapse_connection** connection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_conv2d_create(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_conv2d_options* geometry,
    const cusynapse_connection_options* options, const cusynapse_model* model,
    const cusynapse_synapse_options* synapse_defaults, cusynapse_connection** connection);
/* The same over a synapse there is, which may feed several connections. Its element type, step
 * time, batch size and delay count. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_linear_dense_create_shared(
    cusynapse_stream stream, const cusynapse_shape* output, cusynapse_synapse* synapse, bool biased,
    uint64_t seed, cusynapse_connection** connection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_linear_direct_create_shared(
    cusynapse_stream stream, cusynapse_synapse* synapse, bool biased, uint64_t seed,
    cusynapse_connection** connection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_linear_lateral_create_shared(
    cusynapse_stream stream, cusynapse_synapse* synapse, bool biased, uint64_t seed,
    cusynapse_connection** connection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_conv2d_create_shared(
    cusynapse_stream stream, const cusynapse_conv2d_options* geometry, cusynapse_synapse* synapse,
    bool biased, uint64_t seed, cusynapse_connection** connection);
CUSYNAPSE_EXPORT void cusynapse_connection_destroy(cusynapse_connection* connection);

CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_get_info(
    const cusynapse_connection* connection, cusynapse_connection_info* info);
/* A new handle of the synapse. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_synapse(cusynapse_connection* connection,
                                                               cusynapse_synapse** synapse);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_has(const cusynapse_connection* connection,
                                                           cusynapse_parameter parameter,
                                                           bool* has);
/* Data is NULL for a parameter that is not there. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_get(const cusynapse_connection* connection,
                                                           cusynapse_parameter parameter,
                                                           cusynapse_const_array* values);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_edit(cusynapse_connection* connection,
                                                            cusynapse_parameter parameter,
                                                            cusynapse_array* values);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_set(cusynapse_connection* connection,
                                                           cusynapse_stream stream,
                                                           cusynapse_parameter parameter,
                                                           cusynapse_const_array values);
/* From and to arrays of the parameter's shape in memory of the host. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_set_from_host(
    cusynapse_connection* connection, cusynapse_stream stream, cusynapse_parameter parameter,
    cusynapse_const_array host_values);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_to_host(const cusynapse_connection* connection, cusynapse_stream stream,
                             cusynapse_parameter parameter, cusynapse_array host_values);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_forward(
    cusynapse_connection* connection, cusynapse_stream stream, cusynapse_const_array input,
    cusynapse_array out, cusynapse_output output, const cusynapse_const_array* injected,
    int64_t injected_count);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_sum(cusynapse_connection* connection,
                                                           cusynapse_stream stream,
                                                           cusynapse_array out,
                                                           cusynapse_output output);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_forward_sequence(
    cusynapse_connection* connection, cusynapse_stream stream, cusynapse_const_array inputs,
    cusynapse_array out, cusynapse_output output);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_reserve_sequence(
    cusynapse_connection* connection, cusynapse_stream stream, int64_t steps);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_prepare(cusynapse_connection* connection,
                                                               cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_refresh(cusynapse_connection* connection,
                                                               cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_out_of_range_delays(
    const cusynapse_connection* connection, cusynapse_stream stream, int64_t* count);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_clamp_delays(cusynapse_connection* connection, cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_clear(cusynapse_connection* connection,
                                                             cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_set_batch_size(
    cusynapse_connection* connection, cusynapse_stream stream, int64_t batch_size);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_set_step_time(cusynapse_connection* connection, cusynapse_stream stream,
                                   double step_time, cusynapse_history_change change);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_set_delayed_by(cusynapse_connection* connection, cusynapse_stream stream,
                                    double delay, cusynapse_history_change change);
/* What the plan of the sums stores weights as; parameters stay. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_set_weight_storage(
    cusynapse_connection* connection, cusynapse_stream stream, cusynapse_storage_type storage);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_save(const cusynapse_connection* connection,
                                                            cusynapse_stream stream,
                                                            cusynapse_state** state);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_load(cusynapse_connection* connection,
                                                            cusynapse_stream stream,
                                                            const uint8_t* data, size_t size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_create_from_state(
    cusynapse_stream stream, const uint8_t* data, size_t size, cusynapse_connection** connection);
/* The same over a synapse there is; the saved one is not read. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_create_shared_from_state(
    cusynapse_stream stream, const uint8_t* data, size_t size, cusynapse_synapse* synapse,
    cusynapse_connection** connection);
/* What learning rules look at. Arrays of like_synaptic and presyn_receptive are of the connection's
 * type or CUSYNAPSE_UINT8, both of one; like_bias and postsyn_receptive move nothing and give the
 * same data under another shape. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_selector(
    const cusynapse_connection* connection, cusynapse_stream stream, cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_syncurrent(
    const cusynapse_connection* connection, cusynapse_stream stream, cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_synspike(
    const cusynapse_connection* connection, cusynapse_stream stream, cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_like_synaptic(const cusynapse_connection* connection, cusynapse_stream stream,
                                   cusynapse_const_array input, cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_like_input(const cusynapse_connection* connection, cusynapse_stream stream,
                                cusynapse_const_array synaptic, cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_like_bias(const cusynapse_connection* connection, cusynapse_const_array values,
                               cusynapse_const_array* out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_presyn_receptive_shape(
    const cusynapse_connection* connection, const cusynapse_shape* synaptic,
    cusynapse_shape* shape);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_connection_presyn_receptive(
    const cusynapse_connection* connection, cusynapse_stream stream, cusynapse_const_array synaptic,
    cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_connection_postsyn_receptive(const cusynapse_connection* connection,
                                       cusynapse_const_array output, cusynapse_const_array* out);

/* neuron.hpp */

typedef struct cusynapse_neuron cusynapse_neuron;

typedef struct cusynapse_neuron_options {
  size_t struct_size;
  cusynapse_shape shape;
  int64_t batch_size;
  double step_time;
} cusynapse_neuron_options;

typedef struct cusynapse_leaky_integrate_and_fire_parameters {
  size_t struct_size;
  double time_constant;
  double rest_voltage;
  double reset_voltage;
  double threshold_voltage;
  double refractory_period;
  double resistance;
} cusynapse_leaky_integrate_and_fire_parameters;

/* What get_info tells. */
typedef struct cusynapse_neuron_info {
  size_t struct_size;
  cusynapse_dtype dtype; /* of its elements */
  cusynapse_device device;
} cusynapse_neuron_info;

CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_options_init(cusynapse_neuron_options* options,
                                                                size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_leaky_integrate_and_fire_parameters_init(
    cusynapse_leaky_integrate_and_fire_parameters* parameters, size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_info_init(cusynapse_neuron_info* info,
                                                             size_t struct_size);
/* NULL parameters are the defaults. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_leaky_integrate_and_fire_create(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_neuron_options* options,
    const cusynapse_leaky_integrate_and_fire_parameters* parameters, cusynapse_neuron** neuron);
CUSYNAPSE_EXPORT void cusynapse_neuron_destroy(cusynapse_neuron* neuron);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_get_options(const cusynapse_neuron* neuron,
                                                               cusynapse_neuron_options* options);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_get_info(const cusynapse_neuron* neuron,
                                                            cusynapse_neuron_info* info);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_get_parameters(
    const cusynapse_neuron* neuron, cusynapse_leaky_integrate_and_fire_parameters* parameters);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_forward(cusynapse_neuron* neuron,
                                                           cusynapse_stream stream,
                                                           cusynapse_const_array current,
                                                           cusynapse_array spikes);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_voltage(const cusynapse_neuron* neuron,
                                                           cusynapse_stream stream,
                                                           cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_refractory_time(const cusynapse_neuron* neuron,
                                                                   cusynapse_stream stream,
                                                                   cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_spike(const cusynapse_neuron* neuron,
                                                         cusynapse_stream stream,
                                                         cusynapse_array out);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_set_voltage(cusynapse_neuron* neuron,
                                                               cusynapse_stream stream,
                                                               cusynapse_const_array voltage);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_clear(cusynapse_neuron* neuron,
                                                         cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_set_batch_size(cusynapse_neuron* neuron,
                                                                  cusynapse_stream stream,
                                                                  int64_t batch_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_set_step_time(cusynapse_neuron* neuron,
                                                                 cusynapse_stream stream,
                                                                 double step_time);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_save(const cusynapse_neuron* neuron,
                                                        cusynapse_stream stream,
                                                        cusynapse_state** state);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_load(cusynapse_neuron* neuron,
                                                        cusynapse_stream stream,
                                                        const uint8_t* data, size_t size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_create_from_state(cusynapse_stream stream,
                                                                     const uint8_t* data,
                                                                     size_t size,
                                                                     cusynapse_neuron** neuron);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_neuron_step_arguments(
    cusynapse_neuron* neuron, cusynapse_leaky_integrate_and_fire_arguments* arguments);

/* updater.hpp */

typedef struct cusynapse_accumulator cusynapse_accumulator;
typedef struct cusynapse_updater cusynapse_updater;

/* What get_info tells. */
typedef struct cusynapse_accumulator_info {
  size_t struct_size;
  cusynapse_dtype dtype; /* of its elements */
  cusynapse_device device;
  cusynapse_shape shape;
} cusynapse_accumulator_info;

/* A reduction of the caller's. What it returns other than 0 fails the update with that status. */
typedef cusynapse_status (*cusynapse_update_reducer)(void* context, cusynapse_stream stream,
                                                     const cusynapse_const_array* parts,
                                                     int64_t count, cusynapse_array out);

CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_info_init(cusynapse_accumulator_info* info,
                                                                  size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_full_bounds(cusynapse_bound_rule rule, double minimum,
                                                        double maximum, double upper_power,
                                                        double lower_power,
                                                        cusynapse_update_bounds* bounds);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_create(cusynapse_stream stream,
                                                               cusynapse_dtype dtype,
                                                               const cusynapse_shape* shape,
                                                               cusynapse_accumulator** accumulator);
CUSYNAPSE_EXPORT void cusynapse_accumulator_destroy(cusynapse_accumulator* accumulator);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_get_info(
    const cusynapse_accumulator* accumulator, cusynapse_accumulator_info* info);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_get_bounds(
    const cusynapse_accumulator* accumulator, cusynapse_update_bounds* bounds);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_set_bounds(
    cusynapse_accumulator* accumulator, const cusynapse_update_bounds* bounds);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_accumulator_set_reduction(cusynapse_accumulator* accumulator, cusynapse_stream stream,
                                    cusynapse_update_reduction reduction);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_accumulator_set_reducer(cusynapse_accumulator* accumulator, cusynapse_stream stream,
                                  cusynapse_update_reducer reducer, void* context);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_add_positive(
    cusynapse_accumulator* accumulator, cusynapse_stream stream, cusynapse_const_array part);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_add_negative(
    cusynapse_accumulator* accumulator, cusynapse_stream stream, cusynapse_const_array part);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_update(cusynapse_accumulator* accumulator,
                                                               cusynapse_stream stream,
                                                               cusynapse_array parameter);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_clear(cusynapse_accumulator* accumulator,
                                                              cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_save(
    const cusynapse_accumulator* accumulator, cusynapse_stream stream, cusynapse_state** state);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_accumulator_load(cusynapse_accumulator* accumulator,
                                                             cusynapse_stream stream,
                                                             const uint8_t* data, size_t size);

/* For `count` parameters, or with NULL and 0 for every one the connection has. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_updater_create(cusynapse_stream stream,
                                                           cusynapse_connection* connection,
                                                           const cusynapse_parameter* parameters,
                                                           int64_t count,
                                                           cusynapse_updater** updater);
CUSYNAPSE_EXPORT void cusynapse_updater_destroy(cusynapse_updater* updater);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_updater_has(const cusynapse_updater* updater,
                                                        cusynapse_parameter parameter, bool* has);
/* A new handle of the accumulator of a parameter. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_updater_accumulator(
    cusynapse_updater* updater, cusynapse_parameter parameter, cusynapse_accumulator** accumulator);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_updater_update(cusynapse_updater* updater,
                                                           cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_updater_update_parameter(cusynapse_updater* updater,
                                                                     cusynapse_stream stream,
                                                                     cusynapse_parameter parameter);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_updater_clear(cusynapse_updater* updater,
                                                          cusynapse_stream stream);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_updater_save(const cusynapse_updater* updater,
                                                         cusynapse_stream stream,
                                                         cusynapse_state** state);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_updater_load(cusynapse_updater* updater,
                                                         cusynapse_stream stream,
                                                         const uint8_t* data, size_t size);

/* projection.hpp */

typedef struct cusynapse_projection cusynapse_projection;

/* A transform of the caller's from weights to hardware weights. What it returns other than 0 fails
 * the call with that status. */
typedef cusynapse_status (*cusynapse_weight_transform)(void* context, cusynapse_stream stream,
                                                       cusynapse_const_array weights,
                                                       cusynapse_array hardware_weights);

typedef struct cusynapse_projection_options {
  size_t struct_size;
  int64_t in_features;
  int64_t out_features;
  cusynapse_receptor receptor;
  double saturation_scale;
  double saturation_minimum;
  double saturation_maximum;
  cusynapse_weight_transform transform; /* in the place of the saturation; or NULL */
  void* transform_context;              /* what the transform is called with */
  uint64_t seed;
} cusynapse_projection_options;

/* What get_info tells. */
typedef struct cusynapse_projection_info {
  size_t struct_size;
  cusynapse_dtype dtype; /* of its elements */
  cusynapse_device device;
  int64_t in_features;
  int64_t out_features;
  cusynapse_receptor receptor;
  bool is_masked;
  bool changed_since_last_run;
} cusynapse_projection_info;

typedef struct cusynapse_placed_connection {
  int64_t pre;
  int64_t post;
  int32_t weight;
} cusynapse_placed_connection;

CUSYNAPSE_EXPORT cusynapse_status
cusynapse_projection_options_init(cusynapse_projection_options* options, size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_info_init(cusynapse_projection_info* info,
                                                                 size_t struct_size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_create(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_projection_options* options,
    cusynapse_projection** projection);
/* With a connectivity mask (I, O) of bytes on the device, or on the host. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_create_masked(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_projection_options* options,
    cusynapse_const_array mask, cusynapse_projection** projection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_create_masked_from_host(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_projection_options* options,
    cusynapse_const_array host_mask, cusynapse_projection** projection);
CUSYNAPSE_EXPORT void cusynapse_projection_destroy(cusynapse_projection* projection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_get_info(
    const cusynapse_projection* projection, cusynapse_projection_info* info);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_projection_weight(const cusynapse_projection* projection, cusynapse_const_array* weight);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_edit(cusynapse_projection* projection,
                                                            cusynapse_array* weight);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_set(cusynapse_projection* projection,
                                                           cusynapse_stream stream,
                                                           cusynapse_const_array weights);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_set_from_host(
    cusynapse_projection* projection, cusynapse_stream stream, cusynapse_const_array host_weights);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_to_host(
    const cusynapse_projection* projection, cusynapse_stream stream, cusynapse_array host_weights);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_reset_parameters(
    cusynapse_projection* projection, cusynapse_stream stream, uint64_t seed);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_forward(cusynapse_projection* projection,
                                                               cusynapse_stream stream,
                                                               cusynapse_const_array spikes,
                                                               cusynapse_array graded,
                                                               cusynapse_output output);
/* Zeros for grad_spikes or grad_weight leave it out. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_backward(
    cusynapse_projection* projection, cusynapse_stream stream, cusynapse_const_array grad,
    cusynapse_const_array spikes, cusynapse_array grad_spikes, cusynapse_array grad_weight,
    cusynapse_output grad_weight_output);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_prepare(cusynapse_projection* projection,
                                                               cusynapse_stream stream);
/* Arrays of bytes; zeros leave one out. */
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_projection_hardware_image(const cusynapse_projection* projection, cusynapse_stream stream,
                                    cusynapse_array excitatory, cusynapse_array inhibitory);
/* Writes all out_features * in_features of them, which is what `capacity` must at least be. */
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_get_connections(
    const cusynapse_projection* projection, cusynapse_stream stream, cusynapse_receptor receptor,
    cusynapse_placed_connection* connections, int64_t capacity);
CUSYNAPSE_EXPORT cusynapse_status
cusynapse_projection_reset_changed(cusynapse_projection* projection);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_save(const cusynapse_projection* projection,
                                                            cusynapse_stream stream,
                                                            cusynapse_state** state);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_load(cusynapse_projection* projection,
                                                            cusynapse_stream stream,
                                                            const uint8_t* data, size_t size);
CUSYNAPSE_EXPORT cusynapse_status cusynapse_projection_create_from_state(
    cusynapse_stream stream, const uint8_t* data, size_t size, cusynapse_projection** projection);

#ifdef __cplusplus
}
#endif

#endif
