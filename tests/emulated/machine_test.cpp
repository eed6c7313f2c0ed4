// The emulated device: what it computes, and that it reports what it is there to report.
#include "emulated/machine.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace emulated {
namespace {

// A kernel whose one parameter is a pointer, in %rd1, and whose thread's index is in %r1.
std::string kernel_text(const std::string& body) {
  return R"(
.version 9.0
.target sm_90
.address_size 64
.extern .shared .align 16 .b8 tile[];
.visible .entry kernel(
	.param .u64 kernel_param_0
)
.maxntid 128, 1, 1
{
	.reg .pred %p<9>;
	.reg .b16 %rs<9>;
	.reg .b32 %r<9>;
	.reg .f32 %f<9>;
	.reg .f64 %fd<9>;
	.reg .b64 %rd<9>;
	ld.param.u64 	%rd1, [kernel_param_0];
	cvta.to.global.u64 	%rd1, %rd1;
	mov.u32 	%r1, %tid.x;
)" + body +
         "\n\tret;\n}\n";
}

class EmulatedMachine : public testing::Test {
 protected:
  // Runs a body on memory that holds these values.
  template <class T>
  std::vector<T> run(const std::string& body, const std::vector<T>& values,
                     std::uint32_t threads = 1, std::size_t shared_bytes = 0) {
    void* const data = memory_.allocate(values.size() * sizeof(T));
    const auto address = reinterpret_cast<Address>(data);
    const std::size_t bytes = values.size() * sizeof(T);
    std::memcpy(memory_.host(address), values.data(), bytes);
    std::memset(memory_.written(address), 1, bytes);
    launch(body, address, threads, shared_bytes);
    std::vector<T> results(values.size());
    std::memcpy(results.data(), memory_.host(address), bytes);
    EXPECT_TRUE(memory_.free(data));
    return results;
  }

  void launch(const std::string& body, Address address, std::uint32_t threads,
              std::size_t shared_bytes = 0) {
    Module module(kernel_text(body));
    Launch launch;
    launch.kernel = &module.kernel("kernel");
    launch.block.x = threads;
    launch.shared_bytes = shared_bytes;
    launch.parameters.resize(sizeof(address));
    std::memcpy(launch.parameters.data(), &address, sizeof(address));
    machine_.run(launch);
  }

  // What a body that must not pass is reported for.
  std::string fault(const std::string& body, std::uint32_t threads = 1,
                    std::size_t shared_bytes = 0) {
    try {
      run<std::uint32_t>(body, std::vector<std::uint32_t>(128, 7), threads, shared_bytes);
    } catch (const Fault& problem) {
      return problem.what();
    }
    return "nothing";
  }

  // An operation of the 32 bits of two values and a third.
  std::uint32_t computed(const std::string& body, std::uint32_t a, std::uint32_t b = 0,
                         std::uint32_t c = 0) {
    return run<std::uint32_t>(
        "ld.global.u32 %r2, [%rd1];\nld.global.u32 %r3, [%rd1+4];\n"
        "ld.global.u32 %r4, [%rd1+8];\n" +
            body + "\nst.global.u32 [%rd1], %r5;\n",
        {a, b, c})[0];
  }
  std::uint32_t computed_floats(const std::string& body, float a, float b = 0) {
    return computed("mov.b32 %f1, %r2;\nmov.b32 %f2, %r3;\n" + body,
                    std::bit_cast<std::uint32_t>(a), std::bit_cast<std::uint32_t>(b));
  }
  float float_of(const std::string& operation, float a, float b) {
    return std::bit_cast<float>(
        computed_floats(operation + " %f3, %f1, %f2;\nmov.b32 %r5, %f3;\n", a, b));
  }

  DeviceMemory memory_;
  Machine machine_{memory_};
};

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST_F(EmulatedMachine, WholeNumbersWrapAndShiftAsTheyShould) {
  EXPECT_EQ(computed("add.s32 %r5, %r2, %r3;", 0x7FFFFFFF, 2), 0x80000001u);
  EXPECT_EQ(computed("sub.s32 %r5, %r2, %r3;", 1, 2), 0xFFFFFFFFu);
  EXPECT_EQ(computed("mul.lo.s32 %r5, %r2, %r3;", 0x10001, 0x10001), 0x00020001u);
  EXPECT_EQ(computed("mad.lo.s32 %r5, %r2, %r3, %r4;", 7, 6, 0xFFFFFFFF), 41u);
  EXPECT_EQ(computed("div.s32 %r5, %r2, %r3;", static_cast<std::uint32_t>(-7), 2),
            static_cast<std::uint32_t>(-3));
  EXPECT_EQ(computed("rem.s32 %r5, %r2, %r3;", static_cast<std::uint32_t>(-7), 2),
            static_cast<std::uint32_t>(-1));
  EXPECT_EQ(computed("div.u32 %r5, %r2, %r3;", 0xFFFFFFF9, 2), 0x7FFFFFFCu);
  EXPECT_EQ(computed("min.s32 %r5, %r2, %r3;", 0xFFFFFFFF, 2), 0xFFFFFFFFu);
  EXPECT_EQ(computed("shl.b32 %r5, %r2, %r3;", 3, 31), 0x80000000u);
  EXPECT_EQ(computed("shl.b32 %r5, %r2, %r3;", 3, 32), 0u);
  EXPECT_EQ(computed("shr.s32 %r5, %r2, %r3;", 0x80000000, 40), 0xFFFFFFFFu);
  EXPECT_EQ(computed("shr.u32 %r5, %r2, %r3;", 0x80000000, 31), 1u);
  EXPECT_EQ(computed("and.b32 %r5, %r2, %r3;", 12, 10), 8u);
  EXPECT_EQ(computed("or.b32 %r5, %r2, %r3;", 12, 10), 14u);
  EXPECT_EQ(computed("xor.b32 %r5, %r2, %r3;", 12, 10), 6u);
  EXPECT_EQ(computed("not.b32 %r5, %r2;", 12), 0xFFFFFFF3u);
  EXPECT_EQ(computed("neg.s32 %r5, %r2;", 12), 0xFFFFFFF4u);
  EXPECT_EQ(
      computed("mul.wide.s32 %rd2, %r2, %r3;\nshr.s64 %rd2, %rd2, 32;\ncvt.u32.u64 %r5, %rd2;",
               0xFFFFFFFF, 2),
      0xFFFFFFFFu);
  EXPECT_EQ(
      computed("mul.wide.u32 %rd2, %r2, %r3;\nshr.s64 %rd2, %rd2, 32;\ncvt.u32.u64 %r5, %rd2;",
               0xFFFFFFFF, 2),
      1u);
}

TEST_F(EmulatedMachine, BytesAndBitsGoWhereTheyShould) {
  EXPECT_EQ(computed("prmt.b32 %r5, %r2, %r3, 0x7610;", 0x33221100, 0x77665544), 0x77661100u);
  EXPECT_EQ(computed("prmt.b32 %r5, %r2, %r3, 0x0008;", 0x00000080, 0), 0x808080FFu);
  EXPECT_EQ(computed("bfi.b32 %r5, %r2, %r3, 8, 4;", 0xFFFFFFFF, 0), 0x00000F00u);
  EXPECT_EQ(computed("shf.l.wrap.b32 %r5, %r2, %r3, 8;", 0x12345678, 0x9ABCDEF0), 0xBCDEF012u);
  EXPECT_EQ(computed("shf.l.wrap.b32 %r5, %r2, %r3, 32;", 0x12345678, 0x9ABCDEF0), 0x9ABCDEF0u);
  EXPECT_EQ(computed("cvt.u16.u32 %rs1, %r2;\ncvt.s32.s16 %r5, %rs1;", 0x1FFFE), 0xFFFFFFFEu);
  EXPECT_EQ(computed("mov.b32 {%rs1, %rs2}, %r2;\nmov.b32 %r5, {%rs2, %rs1};", 0x11112222),
            0x22221111u);
  EXPECT_EQ(computed("mov.b64 %rd2, {%r2, %r3};\nmov.b64 {%r4, %r5}, %rd2;", 1, 2), 2u);
  EXPECT_EQ(computed("setp.lt.s32 %p1, %r2, %r3;\nselp.b32 %r5, 5, 6, %p1;", 0xFFFFFFFF, 0), 5u);
  EXPECT_EQ(computed("setp.lt.u32 %p1, %r2, %r3;\nselp.b32 %r5, 5, 6, %p1;", 0xFFFFFFFF, 0), 6u);
  EXPECT_EQ(computed("mov.pred %p1, -1;\nnot.pred %p2, %p1;\nselp.b32 %r5, 5, 6, %p2;", 0), 6u);
}

TEST_F(EmulatedMachine, FloatsAreRoundedOneOperationAtATime) {
  const float third = 1.0f / 3.0f;
  EXPECT_EQ(float_of("add.rn.f32", 1e8f, 1.0f), 1e8f);
  EXPECT_EQ(float_of("mul.rn.f32", third, third), third * third);
  EXPECT_EQ(float_of("div.rn.f32", 1.0f, 3.0f), third);
  EXPECT_EQ(float_of("min.f32", nan, 2.0f), 2.0f);
  EXPECT_EQ(float_of("max.f32", -0.0f, 0.0f), 0.0f);
  EXPECT_FALSE(std::signbit(float_of("max.f32", -0.0f, 0.0f)));
  EXPECT_TRUE(std::signbit(float_of("min.f32", 0.0f, -0.0f)));
  // 0x7FFFFFFF is what all of a GPU's arithmetic gives.
  EXPECT_EQ(std::bit_cast<std::uint32_t>(float_of("sub.rn.f32", infinity, infinity)), 0x7FFFFFFFu);
}

TEST_F(EmulatedMachine, ConversionsRoundAndSaturate) {
  const auto integer = [&](const std::string& operation, float value) {
    return computed_floats(operation + " %r5, %f1;", value);
  };
  EXPECT_EQ(integer("cvt.rzi.s32.f32", -2.7f), 0xFFFFFFFEu);
  EXPECT_EQ(integer("cvt.rzi.s32.f32", 3e9f), 0x7FFFFFFFu);
  EXPECT_EQ(integer("cvt.rzi.s32.f32", -3e9f), 0x80000000u);
  EXPECT_EQ(integer("cvt.rzi.s32.f32", nan), 0u);
  EXPECT_EQ(integer("cvt.rzi.u32.f32", -1.0f), 0u);
  const auto whole = [&](const std::string& operation, float value) {
    return std::bit_cast<float>(
        computed_floats(operation + " %f3, %f1;\nmov.b32 %r5, %f3;", value));
  };
  EXPECT_EQ(whole("cvt.rni.f32.f32", 2.5f), 2.0f);
  EXPECT_EQ(whole("cvt.rmi.f32.f32", -2.5f), -3.0f);
  EXPECT_EQ(whole("cvt.rpi.f32.f32", 2.1f), 3.0f);
  EXPECT_EQ(whole("cvt.rzi.f32.f32", -2.5f), -2.0f);
  const auto half = [&](float value) {
    return computed_floats("cvt.rn.f16.f32 %rs1, %f1;\ncvt.u32.u16 %r5, %rs1;", value);
  };
  EXPECT_EQ(half(1.0f), 0x3C00u);
  EXPECT_EQ(half(-65504.0f), 0xFBFFu);
  EXPECT_EQ(half(65519.996f), 0x7BFFu);
  EXPECT_EQ(half(65520.0f), 0x7C00u);
  EXPECT_EQ(half(std::ldexp(1.0f, -24)), 0x0001u);
  EXPECT_EQ(half(std::ldexp(1.0f, -25)), 0x0000u);      // a tie: to the even one
  EXPECT_EQ(half(std::ldexp(3.0f, -25)), 0x0002u);      // likewise
  EXPECT_EQ(half(std::ldexp(1023.75f, -24)), 0x0400u);  // up to the first that is normal
  EXPECT_EQ(half(1.0f + std::ldexp(1.0f, -11)), 0x3C00u);
  EXPECT_EQ(half(1.0f + std::ldexp(3.0f, -11)), 0x3C02u);
  EXPECT_EQ(half(nan), 0x7FFFu);
  for (std::uint32_t bits = 0; bits < 0x7C00; bits += 7) {  // there and back
    EXPECT_EQ(computed("cvt.u16.u32 %rs1, %r2;\ncvt.f32.f16 %f1, %rs1;\n"
                       "cvt.rn.f16.f32 %rs2, %f1;\ncvt.u32.u16 %r5, %rs2;",
                       bits),
              bits);
  }
}

TEST_F(EmulatedMachine, ComparisonsKnowWhatIsNoNumber) {
  const auto holds = [&](const std::string& relation, float a, float b) {
    return computed_floats("setp." + relation + ".f32 %p1, %f1, %f2;\nselp.b32 %r5, 1, 0, %p1;", a,
                           b) == 1;
  };
  EXPECT_TRUE(holds("le", 1, 1));
  for (const char* const ordered : {"eq", "ne", "lt", "le", "gt", "ge", "num"}) {
    EXPECT_FALSE(holds(ordered, nan, 1)) << ordered;
  }
  for (const char* const unordered : {"equ", "neu", "ltu", "leu", "gtu", "geu", "nan"}) {
    EXPECT_TRUE(holds(unordered, 1, nan)) << unordered;
  }
  EXPECT_FALSE(holds("neu", 2, 2));
  EXPECT_FALSE(holds("ltu", 2, 2));
  EXPECT_TRUE(holds("geu", 2, 2));
}

TEST_F(EmulatedMachine, LanesThatPartMeetAgain) {
  // Each thread counts to its own index, then all add 100.
  const std::string body = R"(
	mov.u32 	%r2, 0;
$again:
	setp.ge.u32 	%p1, %r2, %r1;
	@%p1 bra 	$done;
	add.s32 	%r2, %r2, 1;
	bra.uni 	$again;
$done:
	add.s32 	%r2, %r2, 100;
	mul.wide.u32 	%rd2, %r1, 4;
	add.s64 	%rd3, %rd1, %rd2;
	st.global.u32 	[%rd3], %r2;
)";
  const auto got = run<std::uint32_t>(body, std::vector<std::uint32_t>(70, 0), 70);
  for (std::uint32_t i = 0; i < 70; ++i) EXPECT_EQ(got[i], i + 100);
}

TEST_F(EmulatedMachine, AFunctionIsCalledWithItsOwnRegisters) {
  const std::string text =
      ".version 9.0\n.func  (.param .b32 func_retval0) twice(\n"
      "	.param .b32 twice_param_0\n)\n{\n	.reg .b32 %r<3>;\n"
      "	ld.param.u32 %r1, [twice_param_0];\n	add.s32 %r2, %r1, %r1;\n"
      "	st.param.b32 [func_retval0+0], %r2;\n	ret;\n}\n" +
      kernel_text(R"(
	mov.u32 	%r2, 20;
	{
	.param .b32 param0;
	st.param.b32 	[param0+0], 21;
	.param .b32 retval0;
	call.uni (retval0),
	twice,
	(
	param0
	);
	ld.param.b32 	%r3, [retval0+0];
	}
	add.s32 	%r4, %r2, %r3;
	st.global.u32 	[%rd1], %r4;
)");
  Module module(text);
  Launch launch;
  launch.kernel = &module.kernel("kernel");
  void* const data = memory_.allocate(4);
  const auto address = reinterpret_cast<Address>(data);
  launch.parameters.resize(sizeof(address));
  std::memcpy(launch.parameters.data(), &address, sizeof(address));
  machine_.run(launch);
  std::uint32_t got = 0;
  std::memcpy(&got, memory_.host(address), sizeof(got));
  EXPECT_EQ(got, 62u);
}

// Lanes take the indices of their neighbours, those above 20 apart from the others.
constexpr const char* swap_text = R"(
	setp.gt.u32 	%p1, %r1, 20;
	mov.u32 	%r5, 7;
	@%p1 bra 	$store;
	activemask.b32 	%r2;
	shfl.sync.bfly.b32 	%r5|%p2, %r1, 1, 31, %r2;
	selp.b32 	%r6, 1000, 0, %p2;
	add.s32 	%r5, %r5, %r6;
$store:
	mul.wide.u32 	%rd2, %r1, 4;
	add.s64 	%rd3, %rd1, %rd2;
	st.global.u32 	[%rd3], %r5;
)";

TEST_F(EmulatedMachine, LanesThatAreThereExchangeValues) {
  const auto got = run<std::uint32_t>(swap_text, std::vector<std::uint32_t>(32, 0), 32);
  for (std::uint32_t i = 0; i < 20; ++i) EXPECT_EQ(got[i], 1000 + (i ^ 1u));
  EXPECT_EQ(got[20], 20u);  // its partner is not there
  for (std::uint32_t i = 21; i < 32; ++i) EXPECT_EQ(got[i], 7u);
}

TEST_F(EmulatedMachine, AShuffleWithLanesThatAreElsewhereIsReported) {
  std::string text = swap_text;
  text.replace(text.find("activemask.b32 	%r2;"), 20, "mov.u32 	%r2, -1;     ");
  EXPECT_NE(fault(text, 32).find("a shuffle whose lanes"), std::string::npos);
}

TEST_F(EmulatedMachine, CountsSectorsAndTurnsOfBanks) {
  // Threads read every other word, and write to words 128 bytes apart in shared memory.
  const std::string body = R"(
	mul.wide.u32 	%rd2, %r1, 8;
	add.s64 	%rd3, %rd1, %rd2;
	ld.global.u32 	%r2, [%rd3];
	shl.b32 	%r3, %r1, 7;
	st.shared.u32 	[%r3], %r2;
	ld.shared.u32 	%r4, [%r3];
	st.global.u32 	[%rd3], %r4;
)";
  Traffic traffic;
  machine_.count_into(&traffic);
  run<std::uint32_t>(body, std::vector<std::uint32_t>(64, 0), 32, 32 * 128);
  machine_.count_into(nullptr);
  EXPECT_EQ(traffic.read_bytes, 128u);
  EXPECT_EQ(traffic.read_sectors, 8u);
  EXPECT_EQ(traffic.written_bytes, 128u);
  EXPECT_EQ(traffic.written_sectors, 8u);
  EXPECT_EQ(traffic.shared_bytes, 128u);
  EXPECT_EQ(traffic.shared_reads, 1u);
  EXPECT_EQ(traffic.shared_turns, 32u);
}

// Every thread writes its index to shared memory, and reads that of the thread 32 further.
constexpr const char* exchange_before = R"(
	mov.b64 	%rd2, tile;
	cvt.u32.u64 	%r2, %rd2;
	shl.b32 	%r3, %r1, 2;
	add.s32 	%r4, %r2, %r3;
	st.shared.u32 	[%r4], %r1;
)";
constexpr const char* exchange_after = R"(
	add.s32 	%r5, %r1, 32;
	and.b32 	%r5, %r5, 63;
	shl.b32 	%r5, %r5, 2;
	add.s32 	%r5, %r2, %r5;
	ld.shared.u32 	%r6, [%r5];
	mul.wide.u32 	%rd3, %r1, 4;
	add.s64 	%rd4, %rd1, %rd3;
	st.global.u32 	[%rd4], %r6;
)";

TEST_F(EmulatedMachine, ABarrierLetsThreadsExchangeValues) {
  const auto got = run<std::uint32_t>(std::string(exchange_before) + "bar.sync 0;" + exchange_after,
                                      std::vector<std::uint32_t>(64, 0), 64, 256);
  for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(got[i], (i + 32) % 64);
}

TEST_F(EmulatedMachine, AMissingBarrierIsReported) {
  const std::string what = fault(std::string(exchange_before) + exchange_after, 64, 256);
  EXPECT_NE(what.find("which thread 32 read since the last barrier"), std::string::npos) << what;
}

TEST_F(EmulatedMachine, ASecondWriteWithoutABarrierIsReported) {
  const std::string what = fault(
      std::string(exchange_before) + "bar.sync 0;" + exchange_after + "st.shared.u32 [%r4], %r1;",
      64, 256);
  EXPECT_NE(what.find("which thread 32 wrote since the last barrier"), std::string::npos) << what;
}

TEST_F(EmulatedMachine, ABarrierThatNotAllReachIsReported) {
  const std::string what =
      fault("setp.lt.u32 %p1, %r1, 7;\n@%p1 bra $past;\nbar.sync 0;\n$past:\nmov.u32 %r2, 0;", 32);
  EXPECT_NE(what.find("a barrier that not all threads"), std::string::npos) << what;
}

// Copies a number into shared memory and back out.
std::string copy_text(const std::string& wait) {
  return R"(
	mov.b64 	%rd2, tile;
	cvt.u32.u64 	%r2, %rd2;
	cp.async.ca.shared.global [%r2], [%rd1], 4, 4;
	cp.async.commit_group;
)" + wait +
         "\n	ld.shared.u32 	%r3, [%r2];\n	st.global.u32 	[%rd1+4], %r3;\n";
}

TEST_F(EmulatedMachine, ACopyArrivesWhenItIsWaitedForAndNotBefore) {
  const std::vector<std::uint32_t> values = {42, 0};
  EXPECT_EQ(run(copy_text("cp.async.wait_group 0;"), values, 1, 16)[1], 42u);
  EXPECT_NE(run(copy_text(""), values, 1, 16)[1], 42u);
  EXPECT_NE(run(copy_text("cp.async.wait_group 1;"), values, 1, 16)[1], 42u);
}

TEST_F(EmulatedMachine, AccessesOutsideOfAllocationsAreReported) {
  EXPECT_NE(fault("ld.global.u32 %r2, [%rd1+512];").find("a read of 4 bytes at byte 512"),
            std::string::npos);
  EXPECT_NE(fault("st.global.u32 [%rd1+-4], %r1;").find("a write of"), std::string::npos);
  EXPECT_NE(
      fault("mov.u64 %rd2, 64;\nst.global.u32 [%rd2], %r1;").find("which no allocation holds"),
      std::string::npos);
  EXPECT_NE(fault("mov.u32 %r2, 16;\nst.shared.u32 [%r2], %r1;", 1, 16)
                .find("at byte 16 of 16 of shared memory"),
            std::string::npos);
  EXPECT_NE(fault("st.global.u32 [%rd1+2], %r1;").find("not aligned"), std::string::npos);
  EXPECT_NE(fault("ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd1+8];").find("not aligned"),
            std::string::npos);
}

TEST_F(EmulatedMachine, MemoryThatWasFreedOrNeverWrittenIsReported) {
  void* const data = memory_.allocate(8);
  const auto address = reinterpret_cast<Address>(data);
  const auto what = [&](const std::string& body) -> std::string {
    try {
      launch(body, address, 1);
    } catch (const Fault& problem) {
      return problem.what();
    }
    return "nothing";
  };
  EXPECT_NE(what("ld.global.u32 %r2, [%rd1];").find("never written"), std::string::npos);
  EXPECT_EQ(what("st.global.u32 [%rd1], %r1;"), "nothing");
  EXPECT_EQ(what("ld.global.u32 %r2, [%rd1];"), "nothing");
  EXPECT_NE(what("ld.global.u32 %r2, [%rd1+4];").find("never written"), std::string::npos);
  ASSERT_TRUE(memory_.free(data));
  EXPECT_FALSE(memory_.free(data));
  EXPECT_NE(what("st.global.u32 [%rd1], %r1;").find("no allocation holds"), std::string::npos);
}

TEST_F(EmulatedMachine, WhatItDoesNotKnowIsRefused) {
  EXPECT_THROW(run<std::uint32_t>("shfl.sync.up.b32 %r2, %r1, 1, 0, -1;", {1}), std::runtime_error);
  EXPECT_THROW(run<std::uint32_t>("bra $nowhere;", {1}), std::runtime_error);
  EXPECT_THROW(run<std::uint32_t>("add.s32 %r2, %r1, other;", {1}), std::runtime_error);
  EXPECT_THROW(run<std::uint32_t>("mov.u32 %r2, %clock;\nmov.u32 %r2, %clock.x;", {1}),
               std::runtime_error);
}

}  // namespace
}  // namespace emulated
