// SPDX-License-Identifier: Apache-2.0
// Vectors of 4, 8 or 16 numbers of one work item: VECTOR(float, N), with N a number or a definition. Operators work on
// each number; comparisons give 0 or -1 in VECTOR(int, N); (VECTOR(float, N))(x) has x everywhere; fma and fabs take
// vectors of floats. T is float, int, uint, char, uchar or ushort.
//   LOAD(N, p), STORE(N, v, p)  N numbers at p, aligned like one
//   CONVERT(T, N, v)            the same numbers as T
//   AS(T, N, v)                 the same bits as T, of equal size
//   CHOOSE(T, N, mask, a, b)    a where the mask is -1, else b
//   ANY(N, mask)                whether a number of the mask is -1
#define ISTHMUS_GLUE2(A, B) A##B
#define ISTHMUS_GLUE(A, B) ISTHMUS_GLUE2(A, B)

#ifdef __OPENCL_C_VERSION__
#define VECTOR(T, N) ISTHMUS_GLUE(T, N)
#define LOAD(N, P) ISTHMUS_GLUE(vload, N)(0, P)
#define STORE(N, V, P) ISTHMUS_GLUE(vstore, N)(V, 0, P)
#define CONVERT(T, N, V) ISTHMUS_GLUE(convert_, ISTHMUS_GLUE(T, N))(V)
#define AS(T, N, V) ISTHMUS_GLUE(as_, ISTHMUS_GLUE(T, N))(V)
#define CHOOSE(T, N, MASK, A, B) ((MASK) ? (A) : (B))
FUNCTION int isthmus_any4(int4 mask) { return (mask.x | mask.y) | (mask.z | mask.w); }
FUNCTION int isthmus_any8(int8 mask) { return isthmus_any4(mask.lo | mask.hi); }
FUNCTION int isthmus_any16(int16 mask) { return isthmus_any8(mask.lo | mask.hi); }
#define ANY(N, MASK) ISTHMUS_GLUE(isthmus_any, N)(MASK)
#else
template <typename T, int N>
struct isthmus_vector {
  T s[N];
  isthmus_vector() = default;
  __device__ isthmus_vector(T x) {
    for (int i = 0; i < N; ++i) s[i] = x;
  }
};
// For operands that follow the type of the vector beside them.
template <typename T>
struct isthmus_same {
  typedef T type;
};
#define VECTOR(T, N) isthmus_vector<T, N>

#define ISTHMUS_EACH(RESULT, EXPRESSION)          \
  isthmus_vector<RESULT, N> y;                    \
  for (int i = 0; i < N; ++i) y.s[i] = EXPRESSION; \
  return y;
#define ISTHMUS_OPERATOR(OP, RESULT, VALUE)                                                              \
  template <typename T, int N>                                                                           \
  FUNCTION isthmus_vector<RESULT, N> operator OP(isthmus_vector<T, N> a, isthmus_vector<T, N> b) {       \
    ISTHMUS_EACH(RESULT, VALUE(a.s[i] OP b.s[i]))                                                        \
  }                                                                                                      \
  template <typename T, int N>                                                                           \
  FUNCTION isthmus_vector<RESULT, N> operator OP(isthmus_vector<T, N> a, typename isthmus_same<T>::type b) { \
    ISTHMUS_EACH(RESULT, VALUE(a.s[i] OP b))                                                             \
  }
#define ISTHMUS_MASK(X) ((X) ? -1 : 0)
ISTHMUS_OPERATOR(+, T, )
ISTHMUS_OPERATOR(-, T, )
ISTHMUS_OPERATOR(*, T, )
ISTHMUS_OPERATOR(/, T, )
ISTHMUS_OPERATOR(&, T, )
ISTHMUS_OPERATOR(|, T, )
ISTHMUS_OPERATOR(<<, T, )
ISTHMUS_OPERATOR(>>, T, )
ISTHMUS_OPERATOR(<, int, ISTHMUS_MASK)
ISTHMUS_OPERATOR(<=, int, ISTHMUS_MASK)
ISTHMUS_OPERATOR(>, int, ISTHMUS_MASK)
ISTHMUS_OPERATOR(==, int, ISTHMUS_MASK)

template <int N>
FUNCTION isthmus_vector<float, N> isthmus_fma(isthmus_vector<float, N> a, isthmus_vector<float, N> b,
                                              isthmus_vector<float, N> c) {
  ISTHMUS_EACH(float, isthmus_fma(a.s[i], b.s[i], c.s[i]))
}
template <int N>
FUNCTION isthmus_vector<float, N> isthmus_fabs(isthmus_vector<float, N> a) {
  ISTHMUS_EACH(float, isthmus_fabs(a.s[i]))
}
template <int N, typename T>
FUNCTION isthmus_vector<T, N> isthmus_load(const T* p) {
  ISTHMUS_EACH(T, p[i])
}
template <int N, typename T>
FUNCTION void isthmus_store(isthmus_vector<T, N> v, T* p) {
  for (int i = 0; i < N; ++i) p[i] = v.s[i];
}
template <typename To, int N, typename From>
FUNCTION isthmus_vector<To, N> isthmus_convert(isthmus_vector<From, N> v) {
  ISTHMUS_EACH(To, (To)v.s[i])
}
FUNCTION void isthmus_bits(float x, uint* to) { *to = as_uint(x); }
FUNCTION void isthmus_bits(uint x, float* to) { *to = as_float(x); }
FUNCTION void isthmus_bits(int x, float* to) { *to = as_float((uint)x); }
FUNCTION void isthmus_bits(int x, uint* to) { *to = (uint)x; }
FUNCTION void isthmus_bits(uint x, int* to) { *to = (int)x; }
template <typename To, int N, typename From>
FUNCTION isthmus_vector<To, N> isthmus_as(isthmus_vector<From, N> v) {
  isthmus_vector<To, N> y;
  for (int i = 0; i < N; ++i) isthmus_bits(v.s[i], &y.s[i]);
  return y;
}
template <typename T, int N>
FUNCTION isthmus_vector<T, N> isthmus_choose(isthmus_vector<int, N> mask, isthmus_vector<T, N> a,
                                             isthmus_vector<T, N> b) {
  ISTHMUS_EACH(T, mask.s[i] ? a.s[i] : b.s[i])
}
template <int N>
FUNCTION bool isthmus_any(isthmus_vector<int, N> mask) {
  int any_of = 0;
  for (int i = 0; i < N; ++i) any_of |= mask.s[i];
  return any_of != 0;
}
#define LOAD(N, P) isthmus_load<N>(P)
#define STORE(N, V, P) isthmus_store<N>(V, P)
#define CONVERT(T, N, V) isthmus_convert<T, N>(V)
#define AS(T, N, V) isthmus_as<T, N>(V)
#define CHOOSE(T, N, MASK, A, B) isthmus_choose<T, N>(MASK, A, B)
#define ANY(N, MASK) isthmus_any<N>(MASK)
#endif
