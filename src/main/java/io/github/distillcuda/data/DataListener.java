package io.github.distillcuda.data;

/** Hears what finding, reading and downloading data has to say; printing is left to the caller. */
public interface DataListener {
  /**
   * Something worth a line: where data was found, which server is tried and why the last failed.
   */
  void note(String line);

  /** Something that cannot be missed: the synthetic set takes the place of CIFAR-10, and why. */
  void banner(String line);

  /**
   * A download got further; called often, some thousand times in all.
   *
   * @param server the host that sends
   * @param byteCount the bytes that are there, those of earlier tries included
   * @param total the bytes of the whole file
   */
  void transferred(String server, long byteCount, long total);
}
