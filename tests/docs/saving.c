/* The C of docs/guide/embedding.md. */
#include <cusynapse/cusynapse.h>
#include <stdio.h>

/* Writes a state to a file and gives 0, or what failed. */
static cusynapse_status write_state(const cusynapse_connection* connection, cusynapse_stream stream,
                                    FILE* file) {
  cusynapse_state* state = NULL;
  cusynapse_status status = cusynapse_connection_save(connection, stream, &state);
  const uint8_t* data = NULL;
  size_t size = 0;
  if (status == CUSYNAPSE_SUCCESS) {
    status = cusynapse_state_get_bytes(state, &data, &size);
  }
  if (status == CUSYNAPSE_SUCCESS && fwrite(data, 1, size, file) != size) {
    status = CUSYNAPSE_INTERNAL_ERROR;
  }
  cusynapse_state_destroy(state);
  return status;
}

static float step(cusynapse_connection* connection) {
  const uint8_t spikes[2] = {1, 0};
  float sum = 0.0F;
  const cusynapse_const_array input = {spikes, CUSYNAPSE_UINT8, {2, {1, 2}}};
  const cusynapse_array out = {&sum, CUSYNAPSE_FLOAT32, {2, {1, 1}}};
  cusynapse_connection_forward(connection, cusynapse_stream_cpu(), input, out,
                               CUSYNAPSE_OUTPUT_REPLACE, NULL, 0);
  return sum;
}

int main(void) {
  const cusynapse_stream cpu = cusynapse_stream_cpu();
  const cusynapse_shape input = {1, {2}};
  const cusynapse_shape output = {1, {1}};
  const cusynapse_model model = {
      .kind = CUSYNAPSE_ALPHA_CURRENT, .spike_charge = 20.0, .time_constant = 5.0};
  cusynapse_connection* connection = NULL;
  if (cusynapse_linear_dense_create(cpu, CUSYNAPSE_FLOAT32, &input, &output, NULL, &model, NULL,
                                    &connection)) {
    fprintf(stderr, "%s\n", cusynapse_last_error_message());
    return 1;
  }
  step(connection);
  FILE* file = tmpfile();
  if (file == NULL || write_state(connection, cpu, file)) return 1;
  rewind(file);

  static uint8_t bytes[4096];
  const size_t size = fread(bytes, 1, sizeof bytes, file);
  cusynapse_connection* again = NULL;
  if (cusynapse_connection_create_from_state(cpu, bytes, size, &again)) {
    fprintf(stderr, "%s\n", cusynapse_last_error_message());
  }

  fclose(file);
  if (again == NULL) return 1;
  const float expected = step(connection);
  const float got = step(again);
  cusynapse_connection_destroy(connection);
  cusynapse_connection_destroy(again);
  return expected > 0.0F && got == expected ? 0 : 1;
}
