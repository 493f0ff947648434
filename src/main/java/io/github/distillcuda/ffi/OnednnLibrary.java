package io.github.distillcuda.ffi;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.user.UserFolders;
import java.nio.file.Path;
import java.util.List;

/**
 * oneDNN 3.13.0 and the OpenMP runtime it was built for, as they lie in the {@code
 * org.bytedeco:dnnl} platform jar, unpacked and loaded at most once a process.
 */
public final class OnednnLibrary {
  private static final LibraryCache.PinnedFile GOMP =
      new LibraryCache.PinnedFile(
          "libgomp.so.1",
          298_776,
          "d46f9225c1883039e8a6853e6d96ca1af11d034ce186a090952e4a7c8a7c2fdc");
  private static final LibraryCache.PinnedFile ONEDNN =
      new LibraryCache.PinnedFile(
          "libdnnl.so.3",
          92_850_136,
          "3610657c35381b06694034b677cf73f28086495aba51ecf0cfb5b6511652a443");
  private static final String RESOURCES = "/org/bytedeco/dnnl/linux-x86_64/";

  /**
   * How often a thread of OpenMP looks for work before it sleeps, about 75 microseconds: longer
   * than primitives wait for each other, far below a time slice of the scheduler. By default it is
   * 300,000; with anything else running on the processors, a spinning thread then keeps the one it
   * waits for from running, and steps take a hundred times longer.
   */
  private static final String SPIN_COUNT = "5000";

  private static OnednnLibrary loaded;

  private final Path folder;
  private final OnednnApi onednn;
  private final GompApi gomp;

  private OnednnLibrary(Path folder, OnednnApi onednn, GompApi gomp) {
    this.folder = folder;
    this.onednn = onednn;
    this.gomp = gomp;
  }

  /**
   * Returns the library, unpacking and loading it on the first call.
   *
   * @throws DistillException {@link ExitCode#DEVICE} if the program's jar has no CPU library or
   *     this system cannot load it, {@link ExitCode#DISK} if it cannot be unpacked
   */
  public static synchronized OnednnLibrary load() {
    if (loaded == null) {
      loaded = open(unpack());
    }
    return loaded;
  }

  /** Returns the folder of the unpacked libraries. */
  static Path unpack() {
    Path folder =
        LibraryCache.ofUser(UserFolders.ofThisProcess())
            .resolve("onednn-3.13-" + ONEDNN.sha256().substring(0, 12));
    return new LibraryCache(
            folder,
            name -> OnednnLibrary.class.getResourceAsStream(RESOURCES + name),
            "CPU library",
            "use distill-cuda.jar or --device reference")
        .provide(List.of(GOMP, ONEDNN));
  }

  private static OnednnLibrary open(Path folder) {
    if (System.getenv("OMP_WAIT_POLICY") == null) {
      ProcessEnvironment.setDefault("GOMP_SPINCOUNT", SPIN_COUNT);
    }
    try {
      // libdnnl needs libgomp.so.1; one that is loaded already is taken before any of the system's.
      GompApi gomp = new GompApi(SharedLibrary.open(folder.resolve(GOMP.name())));
      OnednnApi onednn = new OnednnApi(SharedLibrary.open(folder.resolve(ONEDNN.name())));
      if (System.getenv("DNNL_VERBOSE") == null && System.getenv("ONEDNN_VERBOSE") == null) {
        // By default it reports a failed call on standard output, and asks OpenCL for devices
        // first.
        onednn.dnnl_set_verbose(0);
      }
      return new OnednnLibrary(folder, onednn, gomp);
    } catch (UnsatisfiedLinkError e) {
      throw new DistillException(
          ExitCode.DEVICE,
          "cannot load the CPU library: " + e.getMessage() + "; try --device reference",
          e);
    }
  }

  /** Returns the folder that the libraries were loaded from. */
  public Path folder() {
    return folder;
  }

  /** Returns the functions of oneDNN. */
  public OnednnApi onednn() {
    return onednn;
  }

  /** Returns the functions of its OpenMP runtime. */
  public GompApi gomp() {
    return gomp;
  }
}
