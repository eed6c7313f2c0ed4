#include "array.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "bindings.hpp"
#include "cusynapse/buffer.hpp"
#include "state.hpp"

namespace cusynapse::python {
namespace {

constexpr nb::dlpack::dtype bool_type = {static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bool), 8,
                                         1};

// So that no product of extents is too large to count.
constexpr double most_packed_spikes = 0x1p56;

bool is_byte(nb::dlpack::dtype dtype) {
  return dtype == bool_type || dtype == nb::dtype<std::uint8_t>();
}

std::string name_of(nb::dlpack::dtype dtype) {
  std::string bits = std::to_string(dtype.bits);
  if (dtype.lanes != 1) bits += "x" + std::to_string(dtype.lanes);
  switch (static_cast<nb::dlpack::dtype_code>(dtype.code)) {
    case nb::dlpack::dtype_code::Int:
      return "int" + bits;
    case nb::dlpack::dtype_code::UInt:
      return "uint" + bits;
    case nb::dlpack::dtype_code::Float:
      return "float" + bits;
    case nb::dlpack::dtype_code::Bfloat:
      return "bfloat" + bits;
    case nb::dlpack::dtype_code::Complex:
      return "complex" + bits;
    case nb::dlpack::dtype_code::Bool:
      return "bool";
    default:
      return "another dtype";
  }
}

template <class T>
constexpr const char* element_name = sizeof(T) == 1   ? "uint8"
                                     : sizeof(T) == 4 ? "float32"
                                                      : "float64";

const char* module_of(Library library) {
  switch (library) {
    case Library::numpy:
      return "numpy";
    case Library::torch:
      return "torch";
    case Library::cupy:
      return "cupy";
    case Library::jax:
      return "jax";
    case Library::unknown:
      break;
  }
  return "";
}

// The library of an array's class, or of one it is derived from.
Library library_of(nb::handle array) {
  for (const nb::handle base : nb::borrow<nb::tuple>(array.type().attr("__mro__"))) {
    const nb::object module = nb::getattr(base, "__module__", nb::none());
    if (!nb::isinstance<nb::str>(module)) continue;
    const std::string name = nb::cast<std::string>(module);
    const std::string package = name.substr(0, name.find('.'));
    if (package == "jaxlib") return Library::jax;
    for (const Library library : {Library::numpy, Library::torch, Library::cupy, Library::jax}) {
      if (package == module_of(library)) return library;
    }
  }
  return Library::unknown;
}

bool is_imported(Library library) {
  return nb::cast<nb::dict>(nb::module_::import_("sys").attr("modules"))
      .contains(module_of(library));
}

Device device_of(const nb::ndarray<nb::ro>& array, bool& is_known) {
  is_known = true;
  switch (array.device_type()) {
    case nb::device::cpu::value:
    case nb::device::cuda_host::value:
      return Device::cpu();
    case nb::device::cuda::value:
    case nb::device::cuda_managed::value:
      return Device::cuda(array.device_id());
    default:
      is_known = false;
      return {};
  }
}

bool is_contiguous(const nb::ndarray<nb::ro>& array) {
  if (array.size() == 0) return true;
  std::int64_t expected = 1;
  for (std::size_t i = array.ndim(); i-- > 0;) {
    const auto extent = static_cast<std::int64_t>(array.shape(i));
    if (extent != 1 && array.stride(i) != expected) return false;
    expected *= extent;
  }
  return true;
}

nb::tuple to_tuple(const Shape& shape) {
  nb::list extents;
  for (const std::int64_t extent : shape) extents.append(extent);
  return nb::tuple(extents);
}

std::vector<std::size_t> to_sizes(const Shape& shape) {
  return std::vector<std::size_t>(shape.begin(), shape.end());
}

int dlpack_device(Device device) {
  return device.kind == Device::Kind::cpu ? nb::device::cpu::value : nb::device::cuda::value;
}

// Memory under an object of nanobind's that has __dlpack__ and, on the CPU, the buffer protocol.
template <class Framework, class T>
nb::object exported(T* data, const Shape& shape, Device device, nb::handle owner,
                    nb::dlpack::dtype dtype) {
  const std::vector<std::size_t> sizes = to_sizes(shape);
  using Exported = std::conditional_t<std::is_const_v<T>, nb::ndarray<Framework, nb::ro>,
                                      nb::ndarray<Framework>>;
  return nb::cast(Exported(data, sizes.size(), sizes.data(), owner, nullptr, dtype,
                           dlpack_device(device), device.ordinal),
                  nb::rv_policy::reference);
}

// A buffer as an array that owns it.
template <class T>
nb::object as_array(const std::shared_ptr<Buffer<T>>& buffer, const Shape& shape,
                    nb::dlpack::dtype dtype) {
  const nb::capsule owner(new std::shared_ptr<Buffer<T>>(buffer), [](void* held) noexcept {
    delete static_cast<std::shared_ptr<Buffer<T>>*>(held);
  });
  if (buffer->device() == Device::cpu()) {
    return exported<nb::numpy>(buffer->data(), shape, buffer->device(), owner, dtype);
  }
  return exported<nb::array_api>(buffer->data(), shape, buffer->device(), owner, dtype);
}

nb::object new_array(Library library, const Shape& shape, Device device, const char* dtype) {
  const nb::module_ module = nb::module_::import_(module_of(library));
  const nb::tuple extents = to_tuple(shape);
  if (library == Library::torch) {
    return module.attr("empty")(extents, nb::arg("dtype") = module.attr(dtype),
                                nb::arg("device") = to_string(device));
  }
  if (library == Library::cupy) {
    nb::object on_device = module.attr("cuda").attr("Device")(device.ordinal);
    on_device.attr("__enter__")();
    nb::object array = module.attr("empty")(extents, nb::arg("dtype") = dtype);
    on_device.attr("__exit__")(nb::none(), nb::none(), nb::none());
    return array;
  }
  return module.attr("empty")(extents, nb::arg("dtype") = dtype);
}

CUstream_st* current_stream(Library library, Device device) {
  const nb::object cuda = nb::module_::import_(module_of(library)).attr("cuda");
  const nb::object stream = library == Library::torch
                                ? cuda.attr("current_stream")(device.ordinal).attr("cuda_stream")
                                : cuda.attr("get_current_stream")(device.ordinal).attr("ptr");
  return reinterpret_cast<CUstream_st*>(nb::cast<std::uintptr_t>(stream));
}

}  // namespace

void Call::refuse(Errc code, const std::string& message) const {
  throw Error(code, std::string(type_) + "." + function_ + ": " + message);
}

Call::Taken Call::take(const char* what, const nb::object& given, bool is_written) {
  nb::object array = given;
  const Library library = library_of(array);
  if (library == Library::torch) {
    if (nb::cast<bool>(array.attr("requires_grad"))) {
      refuse(Errc::invalid_argument, std::string(what) +
                                         " requires a gradient, which the library does not "
                                         "follow: expected tensor.detach()");
    }
    // Not every PyTorch exports bool; its bytes are the same.
    const nb::module_ torch = nb::module_::import_("torch");
    if (array.attr("dtype").is(torch.attr("bool"))) array = array.attr("view")(torch.attr("uint8"));
  }
  if (library == Library::jax) {
    if (is_written) {
      refuse(Errc::not_supported,
             std::string(what) + " is an array of JAX, which may not be written to");
    }
    if (!nb::hasattr(array, "block_until_ready")) {
      refuse(Errc::not_supported,
             std::string(what) +
                 " is traced by JAX and has no values: expected a call outside of "
                 "jit, or through jax.experimental.io_callback");
    }
    array.attr("block_until_ready")();
  }
  nb::ndarray<nb::ro> taken;
  nb::ndarray<> written;
  if (is_written && nb::try_cast(array, written)) {
    taken = nb::ndarray<nb::ro>(written);
  } else if (!nb::try_cast(array, taken)) {
    const nb::object dtype = nb::getattr(given, "dtype", nb::none());
    refuse(Errc::not_supported, std::string(what) + " is of type " +
                                    nb::cast<std::string>(nb::type_name(given.type())) +
                                    (dtype.is_none() ? "" : " and dtype " + dtype_text(dtype)) +
                                    ", expected an array that can be taken through DLPack");
  } else if (is_written) {
    refuse(Errc::invalid_argument, std::string(what) + " is read-only");
  }
  bool is_known = false;
  const Device device = device_of(taken, is_known);
  if (!is_known || device != device_) {
    refuse(Errc::wrong_device, std::string(what) + " is on " +
                                   (is_known ? to_string(device) : "another kind of device") +
                                   ", expected " + to_string(device_));
  }
  const Shape shape(taken.shape_ptr(), static_cast<int>(taken.ndim()));
  if (!is_contiguous(taken)) {
    refuse(Errc::invalid_argument, std::string(what) + " of shape " + to_string(shape) +
                                       " is not contiguous, expected rows one after another");
  }
  auto* data = static_cast<std::uint8_t*>(taken.data_handle()) + taken.byte_offset();
  if (reinterpret_cast<std::uintptr_t>(data) % taken.itemsize() != 0) {
    refuse(Errc::invalid_argument, std::string(what) + " is not aligned to its elements");
  }
  if (library_ == Library::unknown) library_ = library;
  held_.push_back(taken);
  return {data, shape, taken.dtype()};
}

template <class T>
View<const T> Call::in(const char* what, const Array& array) {
  const Taken taken = take(what, array.object, false);
  if (taken.dtype != nb::dtype<T>()) {
    refuse(Errc::not_supported, std::string(what) + " has dtype " + name_of(taken.dtype) +
                                    ", expected " + element_name<T>);
  }
  return {static_cast<const T*>(taken.data), taken.shape};
}

View<const std::uint8_t> Call::spikes_in(const char* what, const Array& array) {
  const Taken taken = take(what, array.object, false);
  if (!is_byte(taken.dtype)) {
    refuse(Errc::not_supported,
           std::string(what) + " has dtype " + name_of(taken.dtype) + ", expected bool or uint8");
  }
  return {static_cast<const std::uint8_t*>(taken.data), taken.shape};
}

template <class T>
SpikeInput<T> Call::spike_input(const char* what, const Spikes& spikes, bool is_sequence) {
  if (nb::isinstance<PackedArray>(spikes.object)) {
    const auto& packed = nb::cast<const PackedArray&>(spikes.object);
    const Taken taken = take(what, packed.array.object, false);
    if (taken.dtype != nb::dtype<std::uint8_t>()) {
      refuse(Errc::not_supported, std::string(what) + " has packed spikes of dtype " +
                                      name_of(taken.dtype) + ", expected uint8");
    }
    const bool has_frames = is_sequence && packed.shape.rank() > 0;
    const std::int64_t frames = has_frames ? packed.shape[0] : 1;
    const std::int64_t frame = packed.shape.without_leading(has_frames ? 1 : 0).size();
    const std::int64_t bytes = frames * ((frame + 7) / 8);
    if (taken.shape.size() != bytes) {
      refuse(Errc::shape_mismatch, std::string(what) + " has " +
                                       std::to_string(taken.shape.size()) + " bytes, expected " +
                                       std::to_string(bytes) + " for bits of " +
                                       to_string(packed.shape));
    }
    return PackedSpikes(static_cast<const std::uint8_t*>(taken.data), packed.shape);
  }
  return std::visit([](const auto& view) { return SpikeInput<T>(view); },
                    values_or_spikes_in<T>(what, {spikes.object}));
}

template <class T>
std::variant<View<const T>, View<const std::uint8_t>> Call::values_or_spikes_in(
    const char* what, const Array& array) {
  const Taken taken = take(what, array.object, false);
  if (is_byte(taken.dtype)) {
    return View<const std::uint8_t>(static_cast<const std::uint8_t*>(taken.data), taken.shape);
  }
  if (taken.dtype == nb::dtype<T>()) {
    return View<const T>(static_cast<const T*>(taken.data), taken.shape);
  }
  refuse(Errc::not_supported, std::string(what) + " has dtype " + name_of(taken.dtype) +
                                  ", expected bool, uint8 or " + element_name<T>);
}

template <class T>
Written<T> Call::writing(const char* what, const std::optional<Array>& out, const Shape& shape,
                         bool is_spikes) {
  nb::object object;
  if (out) {
    object = out->object;
  } else {
    const Library library = library_of_results();
    if (library == Library::jax) {
      // JAX writes no memory but its own: it is given this once the results are there.
      const auto buffer = std::make_shared<Buffer<T>>(device_, shape.size());
      return {buffer->view(shape), as_array(buffer, shape, is_spikes ? bool_type : nb::dtype<T>()),
              buffer};
    }
    object = new_array(library, shape, device_, is_spikes ? "bool" : element_name<T>);
  }
  const Taken taken = take(what, object, true);
  if (is_spikes ? !is_byte(taken.dtype) : taken.dtype != nb::dtype<T>()) {
    refuse(Errc::not_supported, std::string(what) + " has dtype " + name_of(taken.dtype) +
                                    ", expected " +
                                    (is_spikes ? "bool or uint8" : element_name<T>));
  }
  return {View<T>(static_cast<T*>(taken.data), taken.shape), object, nullptr};
}

Library Call::library_of_results() const {
  if (device_.kind == Device::Kind::cpu) {
    return library_ == Library::unknown ? Library::numpy : library_;
  }
  if (library_ != Library::unknown) return library_;
  for (const Library library : {Library::torch, Library::cupy}) {
    if (is_imported(library)) return library;
  }
  refuse(Errc::invalid_argument,
         "no array to make a result like, and neither PyTorch nor CuPy is imported: expected out=");
}

Stream Call::find_stream() const {
  if (device_.kind == Device::Kind::cpu) {
    if (handle_) {
      refuse(Errc::wrong_device, "stream is a CUDA stream, expected none for an object on cpu");
    }
    return Stream::cpu();
  }
  if (handle_) return Stream::cuda(reinterpret_cast<CUstream_st*>(*handle_), device_.ordinal);
  if (library_ == Library::torch || library_ == Library::cupy) {
    return Stream::cuda(current_stream(library_, device_), device_.ordinal);
  }
  if (library_ == Library::unknown) {
    for (const Library library : {Library::torch, Library::cupy}) {
      if (is_imported(library)) {
        return Stream::cuda(current_stream(library, device_), device_.ordinal);
      }
    }
  }
  refuse(Errc::invalid_argument,
         "no current stream is known without an array of PyTorch or CuPy: expected stream=");
}

Result Call::finish(const nb::object& object, const std::shared_ptr<void>& memory) {
  if (memory == nullptr) return {object};
  return {nb::module_::import_("jax.dlpack").attr("from_dlpack")(object)};
}

bool is_on_host(const Array& array) {
  nb::ndarray<nb::ro> taken;
  bool is_known = false;
  return nb::try_cast(array.object, taken) && device_of(taken, is_known) == Device::cpu() &&
         is_known;
}

Result reshaped(const Array& array, const Shape& shape) {
  return {array.object.attr("reshape")(to_tuple(shape))};
}

template <class T>
Result view_of(T* data, const Shape& shape, Device device, const nb::object& owner) {
  const auto dtype = nb::dtype<std::remove_const_t<T>>();
  if (device.kind == Device::Kind::cpu) {
    return {exported<nb::numpy>(data, shape, device, owner, dtype)};
  }
  return {exported<nb::array_api>(data, shape, device, owner, dtype)};
}

template <class T>
nb::object copy_of(const Stream& stream, View<const T> values) {
  const auto buffer = std::make_shared<Buffer<T>>(stream.device(), values.size());
  memory::copy(stream, buffer->data(), values.data(),
               static_cast<std::size_t>(values.size()) * sizeof(T));
  return as_array(buffer, values.shape(), nb::dtype<T>());
}

Callback::Callback(nb::object function)
    : function_(new nb::object(std::move(function)), [](const nb::object* held) {
        const nb::gil_scoped_acquire acquired;
        delete held;
      }) {}

nb::object Callback::function() const {
  return function_ != nullptr && function_->is_valid() ? *function_ : nb::none();
}

int Callback::traverse(visitproc visitor, void* argument) const {
  if (function_ == nullptr || !function_->is_valid()) return 0;
  return visitor(function_->ptr(), argument);
}

void Callback::clear() const {
  if (function_ != nullptr) function_->reset();
}

template <class T>
void call_into(const Callback& function, const nb::object& argument, const char* type,
               const char* name, const Stream& stream, View<T> out) {
  const Array returned{function(argument)};
  Call call(type, name, stream.device());
  const View<const T> values = call.in<T>("the array returned", returned);
  if (values.shape() != out.shape()) {
    call.refuse(Errc::shape_mismatch, "the array returned has shape " + to_string(values.shape()) +
                                          ", expected " + to_string(out.shape()));
  }
  memory::copy(stream, out.data(), values.data(), static_cast<std::size_t>(out.size()) * sizeof(T));
}

Device to_device(const nb::object& device) {
  std::string name = nb::cast<std::string>(nb::str(device));
  if (name == "cpu") return Device::cpu();
  if (name == "cuda") name = "cuda:0";
  const std::string ordinal = name.rfind("cuda:", 0) == 0 ? name.substr(5) : "";
  if (ordinal.empty() || ordinal.size() > 4 ||
      ordinal.find_first_not_of("0123456789") != std::string::npos) {
    throw Error(Errc::invalid_argument,
                "device is '" + name + "', expected 'cpu', 'cuda' or 'cuda:<number>'");
  }
  // Refuses a GPU that is not there, before any library is asked for its current stream.
  return Stream::cuda(static_cast<CUstream_st*>(nullptr), std::stoi(ordinal)).device();
}

std::string dtype_text(const nb::object& dtype) {
  const nb::object name = nb::getattr(dtype, "__name__", nb::none());
  const std::string text = nb::cast<std::string>(nb::str(name.is_none() ? dtype : name));
  return text.substr(text.rfind('.') + 1);  // torch.float32
}

Element to_element(const nb::object& dtype) {
  const std::string text = dtype_text(dtype);
  if (text == "float32") return Element::float32;
  if (text == "float64") return Element::float64;
  throw Error(Errc::invalid_argument, "dtype is '" + text + "', expected 'float32' or 'float64'");
}

void bind_arrays(nb::module_& module) {
  nb::class_<PackedArray> bound(
      module, "PackedSpikes",
      "Spikes at one bit each, lowest bit first: numpy.packbits(..., bitorder='little') of every "
      "frame.\n\nThe shape is that of the spikes; bytes is uint8. In a sequence each step starts "
      "on a new byte.");
  bind_repr(bound, {"shape"});
  bound
      .def("__getstate__",
           [](const PackedArray& self) { return std::tuple(self.array.object, self.shape); })
      .def("__setstate__",
           [](PackedArray* self, const std::tuple<nb::object, Extents>& state) {
             const auto& [bytes, shape] = state;
             new (self) PackedArray{{bytes}, shape.shape()};
           })
      .def(
          "__init__",
          [](PackedArray* self, const Array& bytes, const Extents& shape) {
            double spikes = 1.0;
            for (const std::int64_t extent : shape.values) {
              spikes *= static_cast<double>(std::max<std::int64_t>(extent, 1));
            }
            const auto is_negative = [](std::int64_t extent) { return extent < 0; };
            if (spikes > most_packed_spikes ||
                std::any_of(shape.values.begin(), shape.values.end(), is_negative)) {
              throw Error(Errc::invalid_argument,
                          "PackedSpikes: shape is " + to_string(shape.shape()) +
                              ", expected extents of at least 0, of at most 2^56 spikes");
            }
            new (self) PackedArray{bytes, shape.shape()};
          },
          nb::arg("bytes"), nb::arg("shape"))
      .def_prop_ro("shape", [](const PackedArray& self) { return self.shape; });
}

template View<const float> Call::in(const char*, const Array&);
template View<const double> Call::in(const char*, const Array&);
template std::variant<View<const float>, View<const std::uint8_t>> Call::values_or_spikes_in(
    const char*, const Array&);
template std::variant<View<const double>, View<const std::uint8_t>> Call::values_or_spikes_in(
    const char*, const Array&);
template SpikeInput<float> Call::spike_input(const char*, const Spikes&, bool);
template SpikeInput<double> Call::spike_input(const char*, const Spikes&, bool);
template Written<float> Call::writing(const char*, const std::optional<Array>&, const Shape&, bool);
template Written<double> Call::writing(const char*, const std::optional<Array>&, const Shape&,
                                       bool);
template Written<std::uint8_t> Call::writing(const char*, const std::optional<Array>&, const Shape&,
                                             bool);
template nb::object copy_of(const Stream&, View<const float>);
template nb::object copy_of(const Stream&, View<const double>);
template void call_into(const Callback&, const nb::object&, const char*, const char*, const Stream&,
                        View<float>);
template void call_into(const Callback&, const nb::object&, const char*, const char*, const Stream&,
                        View<double>);
template Result view_of(float*, const Shape&, Device, const nb::object&);
template Result view_of(double*, const Shape&, Device, const nb::object&);
template Result view_of(const float*, const Shape&, Device, const nb::object&);
template Result view_of(const double*, const Shape&, Device, const nb::object&);

}  // namespace cusynapse::python

namespace nanobind::detail {

bool type_caster<cusynapse::python::Extents>::from_python(handle source, std::uint32_t,
                                                          cleanup_list*) noexcept {
  std::int64_t extent = 0;
  if (try_cast(source, extent)) {
    value.values = {extent};
    return true;
  }
  return !isinstance<str>(source) && try_cast(source, value.values);
}

handle type_caster<cusynapse::Shape>::from_cpp(const cusynapse::Shape& shape, rv_policy,
                                               cleanup_list*) noexcept {
  return cusynapse::python::to_tuple(shape).release();
}

}  // namespace nanobind::detail
