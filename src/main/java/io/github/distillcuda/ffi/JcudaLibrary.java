package io.github.distillcuda.ffi;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.LibraryCache.PinnedFile;
import io.github.distillcuda.user.UserFolders;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcudnn.JCudnn;

/**
 * JCuda's part for each of NVIDIA's libraries: a class of static methods, and the native code
 * behind it, which lies in the jar and is unpacked and loaded when it is asked for.
 *
 * <p>None of these classes may be touched in another way. JCuda by itself loads whatever lies under
 * the right name in a folder that everybody can write, and its native code ends the process when a
 * function of NVIDIA's is called that is not there.
 */
enum JcudaLibrary {
  DRIVER(
      JCudaDriver.class,
      "libcuda.so.1",
      "cuInit",
      new PinnedFile(
          "libJCudaDriver-12.6.0-linux-x86_64.so",
          1_201_712,
          "fdc3b4b4fca4f0fab54ff12c0b4d6ad1c5e8d55015b4950834c705e5db301255")),
  CUDNN(
      JCudnn.class,
      "libcudnn.so.9",
      "cudnnCreate",
      new PinnedFile(
          "libJCudnn-12.6.0-linux-x86_64.so",
          313_416,
          "340a06c5d0241ddc80b576ec2e968e79046dbf5c5c27e5d9525f4cbf97ad7c37")),
  CUBLAS(
      JCublas2.class,
      "libcublas.so.12",
      "cublasCreate_v2",
      new PinnedFile(
          "libJCublas2-12.6.0-linux-x86_64.so",
          1_614_384,
          "990b2129e540a7f93d0776799d48659dc85e4f7f5bfb6473d0c8369ef8126c32"));

  private static final String RESOURCES = "/lib/";
  private static final String TEMPORARY_FOLDER = "java.io.tmpdir";
  private static final String OTHER_ENGINE = "use --engine panama";

  private final Class<?> methods;
  private final String soname;
  private final String anyFunction;
  private final PinnedFile file;
  private SharedLibrary nativeCode;

  JcudaLibrary(Class<?> methods, String soname, String anyFunction, PinnedFile file) {
    this.methods = methods;
    this.soname = soname;
    this.anyFunction = anyFunction;
    this.file = file;
  }

  /** Returns the name that NVIDIA's library must have for JCuda to find it. */
  String soname() {
    return soname;
  }

  /**
   * Loads JCuda's native code, which the loader then connects with NVIDIA's library.
   *
   * @param library NVIDIA's library, loaded
   * @throws DistillException {@link ExitCode#DEVICE} if JCuda would call another library than that,
   *     or cannot be loaded; {@link ExitCode#DISK} if it cannot be unpacked
   */
  void load(SharedLibrary library) {
    synchronized (JcudaLibrary.class) {
      requireSame(library);
      if (nativeCode == null) {
        Path unpacked = unpack().resolve(file.name());
        requireFirstOnLibraryPath(unpacked);
        try {
          // Says on one line what is wrong with the file, which JCuda does not.
          SharedLibrary opened = SharedLibrary.open(unpacked);
          initialize(unpacked.getParent());
          nativeCode = opened;
        } catch (LinkageError e) {
          throw unusable("JCuda cannot be loaded (%s)".formatted(e.getMessage()), OTHER_ENGINE);
        }
      }
    }
  }

  /** The loader knows libraries by soname; whichever came first under this one is the one. */
  private void requireSame(SharedLibrary library) {
    try {
      SharedLibrary byName = SharedLibrary.openByName(soname);
      if (byName.address(anyFunction).equals(library.address(anyFunction))) {
        return;
      }
    } catch (UnsatisfiedLinkError e) {
      throw unusable(
          "JCuda needs %s under this very name (%s)".formatted(soname, e.getMessage()),
          OTHER_ENGINE);
    }
    throw unusable(
        "JCuda would call another %s, not the one that was found".formatted(soname), OTHER_ENGINE);
  }

  private Path unpack() {
    // All of them in one folder, named after this version of JCuda.
    Path folder = LibraryCache.ofUser(UserFolders.ofThisProcess()).resolve("jcuda-12.6.0");
    return new LibraryCache(
            folder,
            name -> JcudaLibrary.class.getResourceAsStream(RESOURCES + name),
            "JCuda",
            OTHER_ENGINE)
        .provide(List.of(file));
  }

  /** JCuda looks on the library path first, and takes what it finds there unchecked. */
  private static void requireFirstOnLibraryPath(Path unpacked) {
    for (String folder : System.getProperty("java.library.path", "").split(File.pathSeparator)) {
      Path other = Path.of(folder).resolve(unpacked.getFileName());
      try {
        if (Files.exists(other) && !Files.isSameFile(other, unpacked)) {
          throw unusable(
              "JCuda would load %s unchecked".formatted(other), "delete it or " + OTHER_ENGINE);
        }
      } catch (IOException e) {
        throw unusable(
            "cannot compare %s with %s (%s)".formatted(other, unpacked, e), OTHER_ENGINE);
      }
    }
  }

  /**
   * Runs JCuda's static initialiser, which loads a file of this name from the temporary folder if
   * there is one. {@code java.library.path} cannot be set at run time, but this property can; the
   * JDK itself reads it once, early.
   */
  private void initialize(Path folder) {
    String temporaryFolder = System.getProperty(TEMPORARY_FOLDER);
    System.setProperty(TEMPORARY_FOLDER, folder.toString());
    try {
      Class.forName(methods.getName(), true, methods.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError("it is loaded", e);
    } finally {
      System.setProperty(TEMPORARY_FOLDER, temporaryFolder);
    }
  }

  /**
   * Returns the methods of a name whose native code is there.
   *
   * @throws UnsatisfiedLinkError if it is not
   */
  List<Method> methods(String name) {
    // JNI's name for the private native method that each of them calls.
    nativeCode.address(
        "Java_%s_%sNative".formatted(methods.getName().replace('.', '_'), name.replace("_", "_1")));
    return Arrays.stream(methods.getMethods())
        .filter(method -> method.getName().equals(name))
        .filter(method -> Modifier.isStatic(method.getModifiers()))
        .toList();
  }

  private static DistillException unusable(String problem, String advice) {
    return new DistillException(ExitCode.DEVICE, problem + "; " + advice);
  }
}
