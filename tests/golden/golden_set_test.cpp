#include "golden/golden_set.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cusynapse::golden {
namespace {

// Writes sets of its own into a fresh folder, removed afterwards.
class GoldenSet : public ::testing::Test {
 protected:
  GoldenSet() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "cusynapse_golden_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
  }
  ~GoldenSet() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void write(const std::string& name, std::string_view content) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    file << content;
  }

  // 16 bytes of data: the floats 1 and -2, then the bytes 0 1 1 0 and padding.
  void write_data() const {
    const std::vector<float> values{1.0f, -2.0f};
    std::string bytes(reinterpret_cast<const char*>(values.data()), 8);
    bytes += std::string("\0\1\1\0\0\0\0\0", 8);
    write("data.bin", bytes);
  }

  // The message the set is refused with; empty when it is read.
  std::string refusal(std::string_view index, const std::string& suite = "synapse") const {
    write_data();
    write("index.txt", index);
    try {
      const Suite read(folder_, suite);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  // A whole index around one line of an operation, which stands on line 4.
  std::string refusal_of_line(const std::string& line) const {
    return refusal("suite synapse\ncase 0 first\nop run\n" + line + "\nend\n");
  }

  const std::filesystem::path& folder() const { return folder_; }
  std::string at_line(int line) const {
    return (folder_ / "index.txt").string() + ":" + std::to_string(line) + ": ";
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(GoldenSet, ReadsCasesWithTheirParametersOperationsAndArrays) {
  write_data();
  write("index.txt",
        "suite errors\n"
        "case 7 first/case\n"
        "p dt 0.30000000000000004\n"
        "p shape 3,4\n"
        "p empty -\n"
        "p overbound none\n"
        "p inplace 1\n"
        "op run steps=2 ninj=0\n"
        "a in x u8 8 4 2,1,2\n"
        "a out ret f32 0 2 2\n"
        "a out scalar f32 0 1 -\n"
        "a out nothing f32 16 0 3,0\n"
        "op dt=0\n"
        "e dt=0 ValueError\n"
        "ok other\n"
        "end\n"
        "case 9 second\n"
        "end\n");
  const Suite suite(folder(), "errors");
  ASSERT_EQ(suite.cases().size(), 2u);
  const Case& first = suite.cases()[0];
  EXPECT_EQ(first.id, 7);
  EXPECT_EQ(first.name, "first/case");
  EXPECT_EQ(first.parameters.number("dt"), 0.30000000000000004);
  EXPECT_EQ(first.parameters.integers("shape"), (std::vector<std::int64_t>{3, 4}));
  EXPECT_TRUE(first.parameters.integers("empty").empty());
  EXPECT_FALSE(first.parameters.optional_number("overbound").has_value());
  EXPECT_TRUE(first.parameters.flag("inplace"));
  ASSERT_EQ(first.operations.size(), 2u);

  const Operation& run = first.operations[0];
  EXPECT_EQ(run.kind, "run");
  EXPECT_EQ(run.place.line, 8);
  EXPECT_EQ(run.fields.integer("steps"), 2);
  EXPECT_EQ(run.input("x").extents, (std::vector<std::int64_t>{2, 1, 2}));
  EXPECT_EQ(run.input("x").values<std::uint8_t>(), (std::vector<std::uint8_t>{0, 1, 1, 0}));
  EXPECT_EQ(run.input("x").as_float(), (std::vector<float>{0.0f, 1.0f, 1.0f, 0.0f}));
  EXPECT_EQ(run.output("ret").values<float>(), (std::vector<float>{1.0f, -2.0f}));
  EXPECT_TRUE(run.output("scalar").extents.empty());
  EXPECT_EQ(run.output("scalar").size(), 1);
  EXPECT_EQ(run.output("nothing").size(), 0);
  EXPECT_EQ(run.find_output("x"), nullptr);

  const Operation& refused = first.operations[1];
  ASSERT_EQ(refused.outcomes.size(), 2u);
  EXPECT_EQ(refused.outcomes[0].exception, "ValueError");
  EXPECT_FALSE(refused.outcomes[1].exception.has_value());
}

TEST_F(GoldenSet, RefusesAFolderWithoutTheFiles) {
  for (const char* const missing : {"data.bin", "index.txt"}) {
    write_data();
    write("index.txt", "suite synapse\n");
    ASSERT_TRUE(std::filesystem::remove(folder() / missing));
    try {
      const Suite read(folder(), "synapse");
      ADD_FAILURE() << "read without " << missing;
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()), (folder() / missing).string() + ": cannot be opened");
    }
  }
}

TEST_F(GoldenSet, RefusesLinesOutOfPlace) {
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\nend\n"), "");
  EXPECT_EQ(refusal(""), at_line(0) + "the index is empty");
  EXPECT_EQ(refusal("case 0 a\n"), at_line(1) + "the index starts with 'case', expected 'suite'");
  EXPECT_EQ(refusal("suite mutate\n"), at_line(1) + "suite is 'mutate', expected 'synapse'");
  EXPECT_EQ(refusal("suite synapse\nsuite synapse\n"), at_line(2) + "second 'suite'");
  EXPECT_EQ(refusal("suite synapse\np dt 1\n"), at_line(2) + "'p' outside a case");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\ne x ValueError\n"),
            at_line(3) + "'e' outside an operation");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\nop run\ncase 1 b\n"),
            at_line(4) + "'case' before the 'end' of the one before");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\nop run\n"),
            at_line(3) + "the index stops before the 'end' of a case");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\nend\ncase 0 b\nend\n"), at_line(4) + "second case 0");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\nop run\np dt 1\n"),
            at_line(4) + "parameter after an operation");
}

TEST_F(GoldenSet, RefusesLinesOfAnotherForm) {
  EXPECT_EQ(refusal("suite synapse\n\n"), at_line(2) + "fields are not split by single spaces: ''");
  EXPECT_EQ(refusal("suite synapse\ncase  0 a\n"),
            at_line(2) + "fields are not split by single spaces: 'case  0 a'");
  EXPECT_EQ(refusal("suite synapse\ncase 0\n"), at_line(2) + "'case' has 1 fields, expected 2");
  EXPECT_EQ(refusal("suite synapse\ncase x a\n"), at_line(2) + "case is 'x', expected an integer");
  EXPECT_EQ(refusal("suite synapse\nfrob\n"), at_line(2) + "unknown keyword 'frob'");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\np dt\n"),
            at_line(3) + "'p' has 1 fields, expected 2");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\np dt 1\np dt 2\n"),
            at_line(4) + "second value of 'dt'");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\nop\n"), at_line(3) + "operation without a kind");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\nop run steps\n"),
            at_line(3) + "'steps' is not KEY=VALUE");
  EXPECT_EQ(refusal("suite synapse\ncase 0 a\nop run steps=1 steps=2\n"),
            at_line(3) + "second value of 'steps'");
  EXPECT_EQ(refusal_of_line("e ret"), at_line(4) + "'e' has 1 fields, expected 2");
  EXPECT_EQ(refusal_of_line("ok ret"), at_line(4) + "'ok' outside the suite errors");
}

TEST_F(GoldenSet, RefusesArraysThatDoNotFitTheData) {
  EXPECT_EQ(refusal_of_line("a in x f32 0 4 2,2"), "");
  EXPECT_EQ(refusal_of_line("a in x f32 0 5 5"),
            at_line(4) + "5 elements of f32 at offset 0 reach past the 16 bytes of data");
  EXPECT_EQ(refusal_of_line("a in x u8 24 0 0"),
            at_line(4) + "0 elements of u8 at offset 24 reach past the 16 bytes of data");
  EXPECT_EQ(refusal_of_line("a in x f64 0 9223372036854775807 9223372036854775807"),
            at_line(4) +
                "9223372036854775807 elements of f64 at offset 0 reach past the 16 bytes "
                "of data");
  EXPECT_EQ(refusal_of_line("a in x f32 4 1 1"),
            at_line(4) + "offset 4 is not on an 8-byte boundary");
  EXPECT_EQ(refusal_of_line("a in x f32 -8 1 1"), at_line(4) + "offset is -8, expected 0 or more");
  EXPECT_EQ(refusal_of_line("a in x f32 0 -1 1"), at_line(4) + "count is -1, expected 0 or more");
  EXPECT_EQ(refusal_of_line("a in x f32 0 99999999999999999999 1"),
            at_line(4) + "count is '99999999999999999999', expected an integer");
}

TEST_F(GoldenSet, RefusesArraysOfAnotherForm) {
  EXPECT_EQ(refusal_of_line("a in x f16 0 1 1"),
            at_line(4) + "element type is 'f16', expected f32, f64, u8 or i64");
  EXPECT_EQ(refusal_of_line("a in x f32 0 4 2,3"),
            at_line(4) + "dimensions 2,3 do not multiply to the count 4");
  EXPECT_EQ(refusal_of_line("a in x f32 0 2 -"),
            at_line(4) + "dimensions - do not multiply to the count 2");
  EXPECT_EQ(refusal_of_line("a in x f32 0 2 -1,-2"), at_line(4) + "dimension is -1");
  EXPECT_EQ(refusal_of_line("a in x f32 0 2 2,"),
            at_line(4) + "dimension is '', expected an integer");
  EXPECT_EQ(refusal_of_line("a in x f32 0 0 4294967296,4294967296,0"),
            at_line(4) + "dimensions are too large");
  EXPECT_EQ(refusal_of_line("a up x f32 0 2 2"),
            at_line(4) + "direction is 'up', expected in or out");
  EXPECT_EQ(refusal_of_line("a in x f32 0 2"), at_line(4) + "'a' has 5 fields, expected 6");
  EXPECT_EQ(refusal_of_line("a in x f32 0 2 2\na in x f32 0 2 2"), at_line(5) + "second array 'x'");
}

// The message of the runtime_error a call throws; empty when it throws none.
template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST_F(GoldenSet, RefusesValuesReadAsAnotherType) {
  write_data();
  write("index.txt", "suite synapse\ncase 0 a\np dt 1.5x\np batch 1.5\np inplace 2\nend\n");
  const Suite suite(folder(), "synapse");
  const Fields& parameters = suite.cases()[0].parameters;
  EXPECT_EQ(message_of([&] { parameters.number("dt"); }),
            at_line(2) + "dt is '1.5x', expected a number");
  EXPECT_EQ(message_of([&] { parameters.integer("batch"); }),
            at_line(2) + "batch is '1.5', expected an integer");
  EXPECT_EQ(message_of([&] { parameters.flag("inplace"); }),
            at_line(2) + "inplace is '2', expected 0 or 1");
  EXPECT_EQ(message_of([&] { parameters.text("delay"); }),
            at_line(2) + "there is no value of 'delay'");
}

TEST_F(GoldenSet, RefusesNamesAnOperationDoesNotKnow) {
  write_data();
  write("index.txt",
        "suite synapse\ncase 0 a\nop run steps=2\na in x f32 0 2 2\na out ret f32 0 2 2\n"
        "e spike ValueError\nend\n");
  const Suite suite(folder(), "synapse");
  const Operation& run = suite.cases()[0].operations[0];
  EXPECT_EQ(message_of([&] { run.expect_only({"steps"}, {"x"}, {"ret", "spike"}); }), "");
  EXPECT_EQ(message_of([&] {
              run.expect_only({}, {"x"}, {"ret", "spike"});
            }),
            at_line(3) + "unknown argument 'steps'");
  EXPECT_EQ(message_of([&] {
              run.expect_only({"steps"}, {}, {"ret", "spike"});
            }),
            at_line(4) + "run has an unknown input 'x'");
  EXPECT_EQ(message_of([&] { run.expect_only({"steps"}, {"x"}, {"spike"}); }),
            at_line(5) + "run has an unknown output 'ret'");
  EXPECT_EQ(message_of([&] { run.expect_only({"steps"}, {"x"}, {"ret"}); }),
            at_line(6) + "run has an unknown outcome 'spike'");
  EXPECT_EQ(message_of([&] { run.input("inj0"); }), at_line(3) + "run has no input 'inj0'");
  EXPECT_EQ(message_of([&] { run.input("x").values<std::uint8_t>(); }),
            at_line(4) + "array 'x' holds f32, expected u8");
}

}  // namespace
}  // namespace cusynapse::golden
