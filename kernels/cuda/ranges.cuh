// Ranges of calls in profiles, by NVTX.
#pragma once

#if defined(CUSYNAPSE_HAS_NVTX)
#include <nvtx3/nvToolsExt.h>

#include <cstdio>
#endif

namespace cusynapse::cuda {

#if defined(CUSYNAPSE_HAS_NVTX)

/// Named as in error messages, in a domain of the library's. Without a profiler there is no domain,
/// and a range is a comparison.
class Ranges {
 public:
  Ranges() : domain_(nvtxDomainCreateA("cusynapse")) {}

  void begin(const char* owner, const char* function) const noexcept {
    if (domain_ == nullptr) return;
    char name[128];  // longer ones are cut
    std::snprintf(name, sizeof name, "%s%s%s", owner != nullptr ? owner : "",
                  owner != nullptr ? "::" : "", function);
    nvtxEventAttributes_t event = {};
    event.version = NVTX_VERSION;
    event.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    event.messageType = NVTX_MESSAGE_TYPE_ASCII;
    event.message.ascii = name;
    static_cast<void>(nvtxDomainRangePushEx(domain_, &event));
  }
  void end() const noexcept {
    if (domain_ != nullptr) static_cast<void>(nvtxDomainRangePop(domain_));
  }

 private:
  nvtxDomainHandle_t domain_;
};

#else

struct Ranges {
  void begin(const char*, const char*) const noexcept {}
  void end() const noexcept {}
};

#endif

}  // namespace cusynapse::cuda
