/* SPDX-License-Identifier: Apache-2.0 */
/* The operators this chip knows, and what of each. To prepare one means to compare it with a row of a table;
 * to run it, to put one command on a queue. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* Sets of dtypes, a bit each. */
#define ONE(dtype) ((uint64_t)1 << (dtype))
#define F32 ONE(ISTHMUS_F32)
#define I32 ONE(ISTHMUS_I32)
#define FLOATS (F32 | ONE(ISTHMUS_F16) | ONE(ISTHMUS_BF16))
#define INDICES (I32 | ONE(ISTHMUS_I64))
#define BLOCKS (ONE(ISTHMUS_Q8_0) | ONE(ISTHMUS_Q4_1))
#define PLAIN 0x3ffeu /* F32 to BOOL */
#define ABSENT ONE(ISTHMUS_DTYPE_INVALID)

struct row {
  const char* name;
  enum toy_code code;
  const char* number;    /* the attribute a command carries as its number, or NULL */
  const char* flag;      /* … and as its flag */
  const char* flag_text; /* the text that means 1, where that attribute is one */
  int32_t operands;
  uint64_t dtypes[TOY_OPERANDS]; /* inputs, then outputs */
};

static const struct row rows[] = {
    {"copy", TOY_COPY, NULL, NULL, NULL, 2, {PLAIN, PLAIN}},
    {"cast", TOY_CAST, NULL, "to", "", 2, {FLOATS, FLOATS}},
    {"add", TOY_ADD, NULL, NULL, NULL, 3, {FLOATS, FLOATS, FLOATS}},
    {"mul", TOY_MUL, NULL, NULL, NULL, 3, {FLOATS, FLOATS, FLOATS}},
    {"silu", TOY_SILU, NULL, NULL, NULL, 2, {FLOATS, FLOATS}},
    {"swiglu", TOY_SWIGLU, NULL, NULL, NULL, 3, {FLOATS, FLOATS, FLOATS}},
    {"softmax", TOY_SOFTMAX, NULL, "axis", NULL, 2, {FLOATS, FLOATS}},
    {"rms_norm", TOY_RMS_NORM, "eps", NULL, NULL, 3, {FLOATS, FLOATS | ABSENT, FLOATS}},
    {"rope", TOY_ROPE, "scale", "style", "interleaved", 4, {FLOATS, I32, F32, FLOATS}},
    {"embedding", TOY_EMBEDDING, NULL, NULL, NULL, 3, {INDICES, FLOATS | BLOCKS, F32}},
    {"cache_write", TOY_CACHE_WRITE, NULL, "layout", "dims_major", 4, {FLOATS, I32, FLOATS, ABSENT}},
    {"quantize_rows", TOY_QUANTIZE_ROWS, NULL, NULL, NULL, 4, {F32, ONE(ISTHMUS_I8), F32, I32}},
    {"linear", TOY_LINEAR, NULL, NULL, NULL, 4, {F32, F32 | ONE(ISTHMUS_F16), F32 | ABSENT, F32}},
    {"linear_quantized",
     TOY_LINEAR_QUANTIZED,
     NULL,
     NULL,
     NULL,
     6,
     {ONE(ISTHMUS_I8), F32, I32, BLOCKS, F32 | ABSENT, F32}},
};

/* A command with everything but addresses, dims and strides, which run fills in. */
typedef struct toy_op_t {
  toy_device_t* device;
  struct toy_command command;
} toy_op_t;

/* Fills what the command carries of attributes. NULL, or why not. */
static const char* take_attributes(const struct row* row, const isthmus_op_query_t* query,
                                   struct toy_command* command) {
  for (int32_t i = 0; i < query->attribute_count; ++i) {
    const isthmus_attribute_t* a = &query->attributes[i];
    if (row->number != NULL && strcmp(a->name, row->number) == 0) {
      command->number = (float)a->f;
    } else if (row->flag != NULL && strcmp(a->name, row->flag) == 0) {
      command->flag = row->flag_text != NULL ? strcmp(a->s, row->flag_text) == 0 : (int32_t)a->i;
    } else if (!a->is_default) {
      return "it has an attribute this chip does not know";
    }
  }
  if (row->code == TOY_SOFTMAX && command->flag < 0) command->flag += query->operands[0].rank;
  return NULL;
}

static const char* take_operands(const struct row* row, const isthmus_op_query_t* query,
                                 struct toy_command* command) {
  command->operands = query->input_count + query->output_count;
  if (command->operands != row->operands) return "it has another number of operands";
  for (int32_t i = 0; i < command->operands; ++i) {
    const isthmus_operand_t* o = &query->operands[i];
    if (!(row->dtypes[i] >> o->dtype & 1)) return "the chip does not take these dtypes";
    if (o->rank > TOY_RANK) return "the chip takes at most 4 dimensions";
    command->operand[i].dtype = o->dtype;
    command->operand[i].rank = o->rank;
  }
  return NULL;
}

isthmus_status_t toy_op_prepare(isthmus_chip_device_t* device, const isthmus_op_query_t* query,
                                isthmus_prepared_t* prepared) {
  toy_device_t* d = (toy_device_t*)device;
  const struct row* row = NULL;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i)
    if (strcmp(rows[i].name, query->name) == 0) row = &rows[i];
  if (row == NULL) return toy_fail(d->host, ISTHMUS_UNIMPLEMENTED, "the chip has no such operator");
  if (query->version != 1)
    return toy_fail(d->host, ISTHMUS_UNIMPLEMENTED, "the chip has version 1 of it, not %u", query->version);
  struct toy_command command = {.code = row->code};
  const char* refusal = take_operands(row, query, &command);
  if (refusal == NULL) refusal = take_attributes(row, query, &command);
  if (refusal != NULL) return toy_fail(d->host, ISTHMUS_UNIMPLEMENTED, "%s", refusal);
  toy_op_t* op = malloc(sizeof *op);
  if (op == NULL) return toy_fail(d->host, ISTHMUS_OUT_OF_MEMORY, "no memory for an operator");
  *op = (toy_op_t){d, command};
  isthmus_prepared_t p = {0};
  p.size = sizeof p;
  p.op = (isthmus_chip_op_t*)op;
  p.implementation = "fixed function";
  isthmus_give(prepared, &p);
  return ISTHMUS_OK;
}

isthmus_status_t toy_op_run(isthmus_chip_op_t* op, const isthmus_tensor_arg_t* operands,
                            isthmus_address_t workspace, isthmus_chip_stream_t* stream) {
  (void)workspace;
  struct toy_command command = ((toy_op_t*)op)->command;
  for (int32_t i = 0; i < command.operands; ++i) {
    struct toy_tensor* t = &command.operand[i];
    t->address = operands[i].address;
    memcpy(t->dims, operands[i].dims, sizeof t->dims);
    memcpy(t->strides, operands[i].strides, sizeof t->strides);
  }
  return toy_put((toy_stream_t*)stream, &command, NULL);
}

void toy_op_release(isthmus_chip_op_t* op) { free(op); }
