package io.github.distillcuda.backend;

/**
 * What a run says of the device it used.
 *
 * @param device the device for people and for {@code metrics.json}, such as {@code cpu (oneDNN
 *     3.13.0, avx512_core_bf16, 2 threads)}
 * @param engine how the device is reached: {@code java}, {@code panama} or {@code jcuda}
 * @param precision {@code fp64}, {@code fp32}, {@code tf32} or {@code bf16}
 * @param kernels the loss, {@code fused}, {@code unfused} or {@code eager}
 * @param layers who computes what stands between products: {@code java}, {@code onednn}, {@code
 *     cudnn} or {@code fused}
 */
public record BackendInfo(
    String device, String engine, String precision, String kernels, String layers) {}
