package io.github.distillcuda.data;

import io.github.distillcuda.data.Cifar10Release.Mirror;
import io.github.distillcuda.failure.Printable;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.NoRouteToHostException;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import javax.net.ssl.SSLException;

/**
 * One try at one server: asks for the bytes that are missing and appends them to the partial file.
 *
 * <p>Uses {@link HttpURLConnection} because it has a timeout for every read, so that a server that
 * falls silent in the middle is noticed without a second thread; the newer client has none.
 */
final class MirrorTransfer {
  private static final int REDIRECTS = 5;
  private static final List<String> SCHEMES = List.of("https", "http");
  private static final int RANGE_NOT_SATISFIABLE = 416;
  private static final int TOO_MANY_REQUESTS = 429;

  private final Mirror mirror;
  private final PartialFile part;
  private final TransferRules rules;
  private final EnvironmentProxy proxies;
  private final DataListener listener;
  private final long total;

  MirrorTransfer(
      Mirror mirror,
      PartialFile part,
      TransferRules rules,
      EnvironmentProxy proxies,
      DataListener listener) {
    this.mirror = mirror;
    this.part = part;
    this.rules = rules;
    this.proxies = proxies;
    this.listener = listener;
    this.total = mirror.archive().byteCount();
  }

  /** Fetches what is missing; returns with as many bytes as the archive has. */
  void run() throws MirrorFailure {
    long have = part.byteCount();
    if (have == total) {
      return;
    }
    HttpURLConnection connection = null;
    try {
      connection = request(have);
      long from = answeredFrom(connection, have);
      try (InputStream body = connection.getInputStream()) {
        append(body, from);
      }
    } catch (SocketTimeoutException e) {
      throw MirrorFailure.lasting("no answer in time (" + Printable.reason(e) + ")");
    } catch (UnknownHostException e) {
      throw MirrorFailure.lasting("cannot be reached (its name is not known)");
    } catch (ConnectException | NoRouteToHostException | SSLException e) {
      throw MirrorFailure.lasting("cannot be reached (" + Printable.reason(e) + ")");
    } catch (IOException e) {
      throw MirrorFailure.passing(Printable.reason(e));
    } finally {
      part.close();
      if (connection != null) {
        connection.disconnect();
      }
    }
  }

  /** Follows redirects itself: to other hosts too, but never from HTTPS to plain HTTP. */
  private HttpURLConnection request(long have) throws IOException, MirrorFailure {
    URI address = mirror.address();
    for (int hop = 0; hop <= REDIRECTS; hop++) {
      HttpURLConnection connection = open(address, have);
      int status = connection.getResponseCode();
      if (!isRedirect(status)) {
        return connection;
      }
      String location = connection.getHeaderField("Location");
      connection.disconnect();
      URI next = resolve(address, location);
      if ("https".equals(address.getScheme()) && !"https".equals(next.getScheme())) {
        throw MirrorFailure.lasting("redirects from HTTPS to " + next.getScheme() + ", refused");
      }
      address = next;
    }
    throw MirrorFailure.lasting("more than " + REDIRECTS + " redirects");
  }

  private static boolean isRedirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }

  private static URI resolve(URI address, String location) throws MirrorFailure {
    try {
      URI next = address.resolve(location == null ? "" : location);
      if (next.getHost() != null && SCHEMES.contains(next.getScheme())) {
        return next;
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw MirrorFailure.lasting("redirects to nowhere (" + location + ")");
  }

  private HttpURLConnection open(URI address, long have) throws IOException {
    Optional<Proxy> proxy = proxies.proxyFor(address);
    HttpURLConnection connection =
        (HttpURLConnection)
            (proxy.isPresent()
                ? address.toURL().openConnection(proxy.get())
                : address.toURL().openConnection());
    connection.setInstanceFollowRedirects(false);
    connection.setConnectTimeout((int) rules.connectTimeout().toMillis());
    connection.setReadTimeout((int) rules.rateWindow().toMillis());
    connection.setRequestProperty("Accept-Encoding", "identity");
    connection.setRequestProperty("Connection", "close");
    if (have > 0) {
      connection.setRequestProperty("Range", "bytes=" + have + "-");
      part.validator(mirror.address())
          .ifPresent(mark -> connection.setRequestProperty("If-Range", mark));
    }
    return connection;
  }

  /** Checks the answer's head and returns the position that its body starts at. */
  private long answeredFrom(HttpURLConnection connection, long have)
      throws IOException, MirrorFailure {
    int status = connection.getResponseCode();
    switch (status) {
      case HttpURLConnection.HTTP_OK -> {
        checkWhole(connection);
        part.restart(mirror.address(), validatorOf(connection));
        return 0;
      }
      case HttpURLConnection.HTTP_PARTIAL -> {
        String range = connection.getHeaderField("Content-Range");
        if (have == 0 || !("bytes " + have + "-" + (total - 1) + "/" + total).equals(range)) {
          part.discard();
          throw MirrorFailure.passing("answered with the wrong part of the file (" + range + ")");
        }
        return have;
      }
      case RANGE_NOT_SATISFIABLE -> {
        part.discard();
        throw MirrorFailure.passing("does not have the part that was asked for (HTTP 416)");
      }
      default -> {
        String reason = "answered HTTP " + status;
        throw status >= 500 || status == TOO_MANY_REQUESTS
            ? MirrorFailure.passing(reason)
            : MirrorFailure.lasting(reason);
      }
    }
  }

  /** An error page that is sent as if it were the file is known by its size. */
  private void checkWhole(HttpURLConnection connection) throws MirrorFailure {
    long length = connection.getContentLengthLong();
    if (length >= 0 && length != total) {
      throw MirrorFailure.lasting(
          String.format(
              Locale.ROOT,
              "sends %,d bytes of %s, expected %,d",
              length,
              connection.getContentType(),
              total));
    }
  }

  /** A weak mark must not be used to ask for a part (RFC 9110, section 13.1.5). */
  private static Optional<String> validatorOf(HttpURLConnection connection) {
    String etag = connection.getHeaderField("ETag");
    return Optional.ofNullable(etag).filter(mark -> mark.startsWith("\""));
  }

  private void append(InputStream body, long from) throws IOException, MirrorFailure {
    RateGuard guard = new RateGuard(rules.bytesPerSecond(), rules.rateWindow(), rules.nanoTime());
    byte[] buffer = new byte[1 << 16];
    long have = from;
    String server = mirror.address().getHost();
    listener.transferred(server, have, total);
    for (int got = body.read(buffer); got >= 0; got = body.read(buffer)) {
      if (have == 0 && got > 0 && buffer[0] != 0x1F) {
        throw MirrorFailure.lasting("sends something that is not a .tar.gz");
      }
      have += got;
      if (have > total) {
        part.discard();
        throw MirrorFailure.lasting("sends more than the file's " + total + " bytes");
      }
      part.write(buffer, got);
      listener.transferred(server, have, total);
      OptionalLong rate = guard.received(got);
      if (rate.isPresent() && have < total) {
        throw MirrorFailure.lasting(guard.tooSlow(rate.getAsLong()));
      }
    }
    if (have < total) {
      throw MirrorFailure.passing("ended after " + have + " of " + total + " bytes");
    }
  }
}
