package io.github.distillcuda.ffi;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.user.UserFolders;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Native libraries that travel inside a jar, unpacked once into a folder that only the user can
 * write.
 *
 * <p>Code from this folder is executed, so nothing in it is trusted by name: folder and files must
 * belong to the user and be writable by nobody else, and each file must have the SHA-256 that is
 * compiled into the program. To spare the next start a hash over 93 MB, a stamp beside the file
 * records the inode, size and change time at which that hash was seen; the kernel sets the change
 * time and a program without root rights cannot set it back.
 *
 * <p>Files appear by atomic rename, so any number of processes may unpack at the same time.
 */
final class LibraryCache {
  /**
   * A library as the program expects it.
   *
   * @param name the file name
   * @param size its bytes
   * @param sha256 its SHA-256 in lower-case hexadecimal
   */
  record PinnedFile(String name, long size, String sha256) {}

  /** What a killed process may have left; an unpacking takes seconds. */
  private static final Duration ABANDONED = Duration.ofHours(1);

  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private final Path folder;
  private final Function<String, InputStream> resources;
  private final String contents;
  private final String instead;

  /**
   * A cache in {@code folder}.
   *
   * @param resources opens the packed library of a file name, null if there is none
   * @param contents what the libraries are to the user
   * @param instead what the user can do where the jar does not have them
   */
  LibraryCache(
      Path folder, Function<String, InputStream> resources, String contents, String instead) {
    this.folder = folder;
    this.resources = resources;
    this.contents = contents;
    this.instead = instead;
  }

  /**
   * Returns the folder in the user's cache in which each version of a library has a folder.
   *
   * @throws DistillException {@link ExitCode#DISK} if the user has none
   */
  static Path ofUser(UserFolders user) {
    return user.cache()
        .orElseThrow(
            () ->
                new DistillException(
                    ExitCode.DISK,
                    "this user has no home folder to unpack native libraries into; set"
                        + " XDG_CACHE_HOME to a folder that can be written"))
        .resolve("native");
  }

  /**
   * Returns the folder with all of the files in it, verified.
   *
   * @throws DistillException {@link ExitCode#DEVICE} if a packed library is absent or not the
   *     expected one, {@link ExitCode#DISK} if the folder cannot be written or is not private
   */
  Path provide(List<PinnedFile> files) {
    try {
      if (Files.notExists(folder)) {
        Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(PRIVATE));
      }
      requirePrivate(folder);
      for (PinnedFile file : files) {
        if (!isVerified(file)) {
          unpack(file);
        }
      }
      return folder;
    } catch (IOException e) {
      throw new DistillException(
          ExitCode.DISK,
          "cannot unpack the %s into %s (%s); set XDG_CACHE_HOME to a folder that can be written"
              .formatted(contents, folder, e),
          e);
    }
  }

  /** Throws unless only the user can change what lies at {@code path}. */
  private static void requirePrivate(Path path) throws IOException {
    Map<String, Object> attributes =
        Files.readAttributes(path, "unix:uid,permissions,owner", LinkOption.NOFOLLOW_LINKS);
    @SuppressWarnings("unchecked")
    Set<PosixFilePermission> permissions = (Set<PosixFilePermission>) attributes.get("permissions");
    // Not user.name: a container's user need not have one.
    Object user = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    if (!attributes.get("uid").equals(user)
        || permissions.contains(PosixFilePermission.GROUP_WRITE)
        || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new DistillException(
          ExitCode.DISK,
          "%s holds native code but is not private to you (owner %s, %s); delete it and start again"
              .formatted(
                  path, attributes.get("owner"), PosixFilePermissions.toString(permissions)));
    }
  }

  private boolean isVerified(PinnedFile file) throws IOException {
    Path path = folder.resolve(file.name());
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS) || Files.size(path) != file.size()) {
      return false;
    }
    requirePrivate(path);
    String identity = identity(path, file);
    if (identity.equals(readStamp(file))) {
      return true;
    }
    if (!sha256(Files.newInputStream(path)).equals(file.sha256())) {
      return false;
    }
    writeStamp(file, identity);
    return true;
  }

  private void unpack(PinnedFile file) throws IOException {
    deleteAbandoned();
    Path temporary = Files.createTempFile(folder, file.name() + "-", ".tmp");
    try {
      String hash;
      try (InputStream packed = resources.apply(file.name())) {
        if (packed == null) {
          throw new DistillException(
              ExitCode.DEVICE,
              "this jar has no %s (%s); %s".formatted(contents, file.name(), instead));
        }
        MessageDigest digest = sha256();
        try (OutputStream unpacked = Files.newOutputStream(temporary)) {
          new DigestInputStream(packed, digest).transferTo(unpacked);
        }
        hash = HexFormat.of().formatHex(digest.digest());
      }
      if (!hash.equals(file.sha256())) {
        throw new DistillException(
            ExitCode.DEVICE,
            "%s in this jar has SHA-256 %s instead of %s; download distill-cuda.jar again"
                .formatted(file.name(), hash, file.sha256()));
      }
      Path target = folder.resolve(file.name());
      replace(temporary, target);
      writeStamp(file, identity(target, file));
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private void deleteAbandoned() throws IOException {
    Instant limit = Instant.now().minus(ABANDONED);
    try (var leftovers = Files.newDirectoryStream(folder, "*.tmp")) {
      for (Path leftover : leftovers) {
        if (Files.getLastModifiedTime(leftover).toInstant().isBefore(limit)) {
          Files.deleteIfExists(leftover);
        }
      }
    }
  }

  private static String identity(Path path, PinnedFile file) throws IOException {
    Map<String, Object> attributes =
        Files.readAttributes(path, "unix:ino,size,ctime", LinkOption.NOFOLLOW_LINKS);
    Instant changed = ((FileTime) attributes.get("ctime")).toInstant();
    return "%s inode %s size %s changed %s%n"
        .formatted(file.sha256(), attributes.get("ino"), attributes.get("size"), changed);
  }

  private Path stampOf(PinnedFile file) {
    return folder.resolve(file.name() + ".verified");
  }

  private String readStamp(PinnedFile file) {
    try {
      return Files.readString(stampOf(file));
    } catch (IOException absentOrUnreadable) {
      return "";
    }
  }

  /** A stamp only saves time: one that cannot be written costs the next start a hash. */
  private void writeStamp(PinnedFile file, String identity) throws IOException {
    Path temporary;
    try {
      temporary = Files.createTempFile(folder, file.name() + "-", ".tmp");
    } catch (IOException readOnly) {
      return;
    }
    try {
      Files.writeString(temporary, identity);
      replace(temporary, stampOf(file));
    } catch (IOException notWritten) {
      Files.deleteIfExists(temporary);
    }
  }

  private static void replace(Path temporary, Path target) throws IOException {
    Files.move(
        temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static String sha256(InputStream content) throws IOException {
    MessageDigest digest = sha256();
    try (content) {
      byte[] block = new byte[1 << 20];
      for (int length; (length = content.read(block)) > 0; ) {
        digest.update(block, 0, length);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
