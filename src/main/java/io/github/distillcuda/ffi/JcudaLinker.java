package io.github.distillcuda.ffi;

import io.github.distillcuda.ffi.CudaPrototype.Parameter;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Calls one of NVIDIA's libraries through JCuda. JCuda's methods follow the C functions, so one
 * rule serves them all: the name without {@code _v2}, the parameters in C's order, numbers as they
 * are, handles and addresses as objects, results in objects and arrays. The exceptions are listed
 * here, and any other function that does not fit the rule fails to link.
 *
 * <p>A call makes the objects that JCuda wants, which planning does not notice; what runs in every
 * step is in {@link JcudaLaunches}.
 */
final class JcudaLinker implements CudaLinker {
  /** What explains a status; JCuda lacks one of these and returns Java's strings for the others. */
  private static final Set<String> EXPLAINS =
      Set.of(
          "cuGetErrorName",
          "cuGetErrorString",
          "cudnnGetErrorString",
          "cudnnGetLastErrorString",
          "cublasGetStatusName",
          "cublasGetStatusString");

  /**
   * What JCuda 12.6 has not or gets wrong, so that the library is called directly. cuGraphGetNodes
   * passes a count that nobody set, to which the driver writes. cuMemAllocHost makes a ByteBuffer,
   * which ends at 2 GiB, and loses memory that is larger. There is no cuOccupancyMaxActiveClusters.
   * The searches for algorithms lose the mathType in two of three cases.
   */
  private static final Set<String> PAST_JCUDA =
      Set.of(
          "cuGraphGetNodes",
          "cuMemAllocHost_v2",
          "cuOccupancyMaxActiveClusters",
          "cudnnFindConvolutionForwardAlgorithmEx",
          "cudnnFindConvolutionBackwardDataAlgorithmEx",
          "cudnnFindConvolutionBackwardFilterAlgorithmEx");

  private static final Set<String> IN_EVERY_STEP = Set.of("cuLaunchKernel", "cuGraphLaunch");

  /**
   * Methods that are not called like the exported function: by the name of a macro in the header;
   * and because JCuda's cublasGemmEx translates a compute type of before CUDA 11.
   */
  private static final Map<String, String> NAMES =
      Map.of(
          "cuGraphInstantiateWithFlags", "cuGraphInstantiate",
          "cublasGemmEx", "cublasGemmEx_new");

  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  private final JcudaLibrary jcuda;
  private final SharedLibrary library;

  /**
   * Loads JCuda for a library.
   *
   * @param library the one that {@code jcuda} is for, as it is loaded
   * @throws io.github.distillcuda.failure.DistillException of the exit code DEVICE or DISK if JCuda
   *     cannot be loaded or would call another library than this one
   */
  JcudaLinker(JcudaLibrary jcuda, SharedLibrary library) {
    this.jcuda = jcuda;
    this.library = library;
    jcuda.load(library);
  }

  @Override
  public MethodHandle link(CudaPrototype function) {
    String symbol = function.symbol();
    // JCuda binds a function when it is first called, and one that is not there then ends the
    // process.
    library.address(symbol);
    MethodType type = function.descriptor().toMethodType();
    try {
      if (EXPLAINS.contains(symbol) || PAST_JCUDA.contains(symbol)) {
        return library.function(symbol, function.descriptor());
      }
      if (IN_EVERY_STEP.contains(symbol)) {
        return LOOKUP.findStatic(JcudaLaunches.class, symbol, type);
      }
      return LOOKUP
          .bind(call(function), "invoke", MethodType.methodType(Object.class, Object[].class))
          .asCollector(Object[].class, type.parameterCount())
          .asType(type);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("JCuda's method for " + symbol, e);
    }
  }

  private Call call(CudaPrototype function) throws ReflectiveOperationException {
    String symbol = function.symbol();
    String name = NAMES.getOrDefault(symbol, symbol.replaceFirst("_v2$", ""));
    for (Method method : jcuda.methods(name)) {
      Optional<List<JcudaConversion>> conversions = conversions(function, method);
      if (conversions.isPresent()) {
        return new Call(conversions.get(), spread(method));
      }
    }
    throw new NoSuchMethodException(name + " for " + function);
  }

  private static Optional<List<JcudaConversion>> conversions(
      CudaPrototype function, Method method) {
    List<Parameter> parameters = function.parameters();
    if (parameters.size() != method.getParameterCount()) {
      return Optional.empty();
    }
    List<JcudaConversion> conversions = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      JcudaConversion.of(parameters.get(i), method.getParameterTypes()[i])
          .ifPresent(conversions::add);
    }
    return Optional.of(conversions).filter(all -> all.size() == parameters.size());
  }

  private static MethodHandle spread(Method method) throws IllegalAccessException {
    return LOOKUP
        .unreflect(method)
        .asSpreader(Object[].class, method.getParameterCount())
        .asType(MethodType.methodType(Object.class, Object[].class));
  }

  /**
   * A C function as a method of JCuda.
   *
   * @param conversions of each argument
   * @param method takes the arguments for JCuda in an array
   */
  private record Call(List<JcudaConversion> conversions, MethodHandle method) {
    /** Takes the arguments for C and returns what the C function returns. */
    Object invoke(Object[] arguments) throws Throwable {
      Object[] passed = new Object[arguments.length];
      for (int i = 0; i < passed.length; i++) {
        passed[i] = conversions.get(i).toJcuda(arguments[i]);
      }
      Object result = method.invokeExact(passed);
      for (int i = 0; i < passed.length; i++) {
        conversions.get(i).store(passed[i], arguments[i]);
      }
      return result;
    }
  }
}
