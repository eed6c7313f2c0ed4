// Objects of the library as Python holds them, each used by one thread at a time.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
#include <variant>

namespace cusynapse::python {

/// A call of an object that another thread is in a call of.
struct InUse : std::exception {
  explicit InUse(const char* object) : name(object) {}
  const char* name;  ///< of the object
};

/// Which thread is in calls of an object, or of objects that share memory.
class Guard {
 public:
  /// Whether the calling thread is in now: not while another is. It may enter again, from what its
  /// call runs, and leaves as often.
  bool enter() noexcept {
    const std::thread::id caller = std::this_thread::get_id();
    if (thread_.load(std::memory_order_relaxed) != caller) {
      std::thread::id nobody;
      if (!thread_.compare_exchange_strong(nobody, caller, std::memory_order_acquire,
                                           std::memory_order_relaxed)) {
        return false;
      }
    }
    ++calls_;
    return true;
  }
  void leave() noexcept {
    if (--calls_ == 0) thread_.store(std::thread::id(), std::memory_order_release);
  }

 private:
  std::atomic<std::thread::id> thread_{};
  int calls_ = 0;  // of that thread
};

/// An object of one of several element types. It is reached inside of its guard alone.
template <class... Objects>
class Held {
 public:
  using Pointer = std::variant<std::shared_ptr<Objects>...>;

  /// `name` is what errors call it. Objects that share memory share a guard.
  template <std::convertible_to<Pointer> Made>
  Held(const char* name, Made&& made, std::shared_ptr<Guard> guard = std::make_shared<Guard>())
      : pointer_(std::forward<Made>(made)), name_(name), guard_(std::move(guard)) {}

  /// Which of the element types it has.
  std::size_t index() const noexcept { return pointer_.index(); }
  const std::shared_ptr<Guard>& guard() const noexcept { return guard_; }

  /// Calls a function with the pointer, throughout which other threads are refused. Throws `InUse`.
  template <class Visitor>
  decltype(auto) visit_pointer(Visitor&& visitor) const {
    if (!guard_->enter()) throw InUse(name_);
    const std::unique_ptr<Guard, Leave> entered(guard_.get());
    return std::visit(std::forward<Visitor>(visitor), pointer_);
  }

 private:
  struct Leave {
    void operator()(Guard* guard) const noexcept { guard->leave(); }
  };

  Pointer pointer_;
  const char* name_;
  std::shared_ptr<Guard> guard_;
};

/// An object of float or double.
template <template <class> class Object>
using Either = Held<Object<float>, Object<double>>;

/// The same with the object: what calls of objects go through.
template <class... Objects, class Visitor>
decltype(auto) visit(const Held<Objects...>& held, Visitor&& visitor) {
  return held.visit_pointer([&](const auto& object) -> decltype(auto) { return visitor(*object); });
}
template <class Single, class Double>
const char* dtype_name(const Held<Single, Double>& held) {
  return held.index() == 0 ? "float32" : "float64";
}

}  // namespace cusynapse::python
