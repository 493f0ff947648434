package io.github.distillcuda.data;

import io.github.distillcuda.data.Cifar10Release.Mirror;
import io.github.distillcuda.data.Cifar10Release.PublishedArchive;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Downloads the archive of CIFAR-10: server after server, each resumed from where the last try
 * stopped, and nothing used before its size and both checksums are right.
 */
final class Downloader {
  private static final String LOCK_FILE = "download.lock";

  /** A file lock keeps out other processes only; this one keeps out other threads. */
  private static final ReentrantLock THIS_PROCESS = new ReentrantLock();

  private final Cifar10Release release;
  private final TransferRules rules;
  private final EnvironmentProxy proxies;

  Downloader(Cifar10Release release, TransferRules rules, EnvironmentProxy proxies) {
    this.release = release;
    this.rules = rules;
    this.proxies = proxies;
  }

  /**
   * Returns an official archive in {@code folder}, downloaded if none is there. Where another
   * process is at it, waits for it and takes its result.
   *
   * @param remedy what to do where the folder cannot take the file
   * @throws DistillException with {@link ExitCode#DATA}, saying what each server answered; with
   *     {@link ExitCode#DISK} if the folder cannot take the file
   */
  Path fetch(Path folder, String remedy, DataListener listener) {
    THIS_PROCESS.lock();
    try (FileChannel channel = openLock(folder)) {
      lock(channel, folder, listener); // until the channel is closed
      Optional<Path> present = present(folder);
      return present.isPresent() ? present.get() : download(folder, listener);
    } catch (IOException e) {
      throw DataFault.unwritable(folder, e, remedy);
    } finally {
      THIS_PROCESS.unlock();
    }
  }

  private static FileChannel openLock(Path folder) throws IOException {
    Files.createDirectories(folder);
    return FileChannel.open(
        folder.resolve(LOCK_FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  private static void lock(FileChannel channel, Path folder, DataListener listener)
      throws IOException {
    if (channel.tryLock() == null) {
      listener.note("another process downloads to " + folder + "; waiting for it");
      channel.lock();
    }
  }

  private Optional<Path> present(Path folder) throws IOException {
    for (PublishedArchive archive : List.of(release.binary(), release.python())) {
      Path file = folder.resolve(archive.fileName());
      if (Files.exists(file)) {
        if (!archive.isAt(file)) {
          throw DataFault.data("%s: the checksums are not the official ones; delete it", file);
        }
        return Optional.of(file);
      }
    }
    return Optional.empty();
  }

  private Path download(Path folder, DataListener listener) throws IOException {
    List<String> failures = new ArrayList<>();
    for (Mirror mirror : release.mirrors()) {
      checkSpace(folder, mirror.archive());
      String server = mirror.address().getHost();
      listener.note("downloading " + mirror.archive().fileName() + " from " + server);
      try {
        Path file = downloadFrom(mirror, folder, listener);
        discardOthers(folder);
        return file;
      } catch (MirrorFailure failure) {
        requireWanted();
        listener.note(server + ": " + failure.getMessage());
        failures.add(server + ": " + failure.getMessage());
      }
    }
    throw DataFault.data(
        "CIFAR-10 could not be downloaded: %s; run again to go on, or put %s into %s by hand",
        String.join("; ", failures), release.binary().fileName(), folder);
  }

  private Path downloadFrom(Mirror mirror, Path folder, DataListener listener)
      throws MirrorFailure {
    Duration pause = rules.backoff();
    for (int attempt = 1; ; attempt++) {
      try (PartialFile part = new PartialFile(folder, mirror.archive())) {
        boolean resumed = part.byteCount() > 0;
        new MirrorTransfer(mirror, part, rules, proxies, listener).run();
        if (part.isWhole()) {
          return part.complete();
        }
        part.discard();
        String reason = "the checksum is wrong, the download is deleted";
        // the beginning may be another server's: this one deserves a try of its own
        throw resumed ? MirrorFailure.passing(reason) : MirrorFailure.lasting(reason);
      } catch (MirrorFailure failure) {
        requireWanted();
        if (!failure.mayPass() || attempt == rules.attempts()) {
          throw failure;
        }
        listener.note(mirror.address().getHost() + ": " + failure.getMessage() + "; trying again");
      }
      sleep(pause);
      pause = pause.multipliedBy(2);
    }
  }

  private void sleep(Duration pause) {
    try {
      rules.sleeper().sleep(pause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      requireWanted();
    }
  }

  /** Throws if this thread was interrupted; no server is to blame then, nor to be asked next. */
  private static void requireWanted() {
    if (Thread.currentThread().isInterrupted()) {
      throw new DistillException(
          ExitCode.INTERRUPTED, "the download was interrupted; run again to go on");
    }
  }

  private static void checkSpace(Path folder, PublishedArchive archive) throws IOException {
    long free = Files.getFileStore(folder).getUsableSpace();
    try (PartialFile part = new PartialFile(folder, archive)) {
      long wanted = archive.byteCount() - part.byteCount();
      if (free < wanted) {
        throw DataFault.fault(
            ExitCode.DISK,
            "%s: the download needs %,d bytes and %,d are free; make room there",
            folder,
            wanted,
            free);
      }
    }
  }

  private void discardOthers(Path folder) {
    for (PublishedArchive archive : List.of(release.binary(), release.python())) {
      try (PartialFile other = new PartialFile(folder, archive)) {
        other.discard();
      }
    }
  }
}
