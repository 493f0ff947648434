package io.github.distillcuda.data;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The proxy that the environment names, as curl and wget understand it: {@code https_proxy}, {@code
 * http_proxy} and {@code all_proxy}, in lower or upper case, and {@code no_proxy}, a list of hosts,
 * {@code .domains} or {@code *}. Java itself does not read these. Plain HTTP proxies only.
 */
final class EnvironmentProxy {
  private final UnaryOperator<String> environment;

  /**
   * A reader of an environment.
   *
   * @param environment {@code System::getenv}, or a stand-in
   */
  EnvironmentProxy(UnaryOperator<String> environment) {
    this.environment = environment;
  }

  /**
   * Returns the proxy for an address; empty if the environment names none, so that Java's own
   * settings hold.
   *
   * @throws DistillException with {@link ExitCode#DATA} if the variable cannot be understood
   */
  Optional<Proxy> proxyFor(URI address) {
    String scheme = address.getScheme().toLowerCase(Locale.ROOT);
    String name = variable(scheme + "_proxy") == null ? "all_proxy" : scheme + "_proxy";
    String value = variable(name);
    if (value == null) {
      return Optional.empty();
    }
    return Optional.of(isExcepted(address.getHost()) ? Proxy.NO_PROXY : parse(name, value));
  }

  private static Proxy parse(String name, String value) {
    URI proxy;
    try {
      proxy = URI.create(value.contains("://") ? value : "http://" + value);
    } catch (IllegalArgumentException e) {
      throw unusable(name, "is not an address");
    }
    if (!"http".equalsIgnoreCase(proxy.getScheme())) {
      throw unusable(name, "names a proxy that is not plain HTTP");
    }
    if (proxy.getHost() == null) {
      throw unusable(name, "names no host");
    }
    if (proxy.getUserInfo() != null) {
      throw unusable(name, "holds a password, which is not supported");
    }
    int port = proxy.getPort() < 0 ? 80 : proxy.getPort();
    return new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(proxy.getHost(), port));
  }

  /** The value is not repeated: it may hold a password. */
  private static DistillException unusable(String name, String why) {
    return DataFault.data(
        "no download: environment variable %s %s; expected http://host:port", name, why);
  }

  private boolean isExcepted(String host) {
    String exceptions = variable("no_proxy");
    if (exceptions == null) {
      return false;
    }
    String name = host.toLowerCase(Locale.ROOT);
    for (String entry : exceptions.toLowerCase(Locale.ROOT).split("[\\s,]+")) {
      String domain = entry.startsWith("*.") ? entry.substring(2) : entry;
      domain = domain.startsWith(".") ? domain.substring(1) : domain;
      boolean all = domain.equals("*");
      if (all || !domain.isEmpty() && (name.equals(domain) || name.endsWith("." + domain))) {
        return true;
      }
    }
    return false;
  }

  private String variable(String name) {
    String lower = environment.apply(name);
    String value = lower == null ? environment.apply(name.toUpperCase(Locale.ROOT)) : lower;
    return value == null || value.isBlank() ? null : value.strip();
  }
}
