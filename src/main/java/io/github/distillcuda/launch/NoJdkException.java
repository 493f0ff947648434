package io.github.distillcuda.launch;

/**
 * No Java that is new enough could be found or started; the message says what was tried and what to
 * do, in whole sentences.
 */
final class NoJdkException extends Exception {
  private static final long serialVersionUID = 1L;

  NoJdkException(String message) {
    super(message);
  }
}
