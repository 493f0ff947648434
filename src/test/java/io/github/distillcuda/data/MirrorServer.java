package io.github.distillcuda.data;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server on the loopback interface that answers each request as the test has told it to. */
final class MirrorServer implements AutoCloseable {
  /** An answer to one request. */
  interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Deque<Answer> answers = new ArrayDeque<>();
  private final List<String> requests = Collections.synchronizedList(new ArrayList<>());

  MirrorServer() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** Sets the answers, in the order of the requests; a request beyond them is answered by 404. */
  MirrorServer answer(Answer... inOrder) {
    answers.addAll(List.of(inOrder));
    return this;
  }

  String address(String path) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/" + path;
  }

  /** The requests so far: path, Range and If-Range. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  private void handle(HttpExchange exchange) {
    String range = exchange.getRequestHeaders().getFirst("Range");
    String condition = exchange.getRequestHeaders().getFirst("If-Range");
    requests.add(
        exchange.getRequestURI()
            + (range == null ? "" : " " + range)
            + (condition == null ? "" : " if " + condition));
    Answer answer;
    synchronized (answers) {
      answer = answers.isEmpty() ? status(404) : answers.remove();
    }
    try (exchange) {
      answer.to(exchange);
    } catch (IOException goneAway) {
      // the client may hang up at any time, and some tests make it
    }
  }

  static Answer status(int status, String... headers) {
    return exchange -> {
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
      }
      exchange.sendResponseHeaders(status, -1);
    };
  }

  static Answer redirect(String location) {
    return status(302, "Location", location);
  }

  /** Answers with all of {@code content}, marked {@code etag} if that is not empty. */
  static Answer whole(byte[] content, String etag) {
    return exchange -> {
      mark(exchange, etag);
      exchange.sendResponseHeaders(200, content.length);
      exchange.getResponseBody().write(content);
    };
  }

  /** Promises all of {@code content}, sends {@code byteCount} bytes and hangs up. */
  static Answer cutOff(byte[] content, String etag, int byteCount) {
    return exchange -> {
      mark(exchange, etag);
      exchange.sendResponseHeaders(200, content.length);
      exchange.getResponseBody().write(content, 0, byteCount);
      exchange.getResponseBody().flush();
      throw new IOException("cut off");
    };
  }

  /** Answers with the part that was asked for, as a server should. */
  static Answer part(byte[] content) {
    return exchange -> {
      String range = exchange.getRequestHeaders().getFirst("Range");
      int from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
      part(content, from, content.length - 1, content.length).to(exchange);
    };
  }

  /** Answers with bytes {@code from} to {@code to} whatever was asked for. */
  static Answer part(byte[] content, int from, int to, int total) {
    return exchange -> {
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes %d-%d/%d".formatted(from, to, total));
      byte[] body = Arrays.copyOfRange(content, from, to + 1);
      exchange.sendResponseHeaders(206, body.length);
      exchange.getResponseBody().write(body);
    };
  }

  /** Sends without saying how much. */
  static Answer chunked(byte[] content) {
    return exchange -> {
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(content);
    };
  }

  /** Sends {@code byteCount} bytes one by one with a pause after each, then falls silent. */
  static Answer drip(byte[] content, int byteCount, long pauseMillis, long silenceMillis) {
    return exchange -> {
      exchange.sendResponseHeaders(200, content.length);
      OutputStream body = exchange.getResponseBody();
      try {
        for (int i = 0; i < byteCount; i++) {
          body.write(content[i]);
          body.flush();
          Thread.sleep(pauseMillis);
        }
        Thread.sleep(silenceMillis);
      } catch (InterruptedException closing) {
        Thread.currentThread().interrupt();
      }
    };
  }

  private static void mark(HttpExchange exchange, String etag) {
    if (!etag.isEmpty()) {
      exchange.getResponseHeaders().set("ETag", etag);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
