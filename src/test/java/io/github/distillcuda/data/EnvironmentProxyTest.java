package io.github.distillcuda.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EnvironmentProxyTest {
  private static final URI SECURE = URI.create("https://data.example.org/file");

  private static Optional<Proxy> proxy(URI address, String... variables) {
    Map<String, String> environment = new HashMap<>();
    for (int i = 0; i < variables.length; i += 2) {
      environment.put(variables[i], variables[i + 1]);
    }
    return new EnvironmentProxy(environment::get).proxyFor(address);
  }

  private static Optional<Proxy> to(String host, int port) {
    return Optional.of(new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(host, port)));
  }

  @Test
  void variableOfTheSchemeThenTheOneForAll() {
    URI plain = URI.create("http://data.example.org/file");
    assertThat(proxy(SECURE)).isEmpty();
    assertThat(proxy(SECURE, "https_proxy", " ")).isEmpty();
    assertThat(proxy(SECURE, "https_proxy", "http://p:3128/")).isEqualTo(to("p", 3128));
    assertThat(proxy(SECURE, "HTTPS_PROXY", "p:3128")).isEqualTo(to("p", 3128));
    assertThat(proxy(SECURE, "https_proxy", "a:1", "HTTPS_PROXY", "b:2")).isEqualTo(to("a", 1));
    assertThat(proxy(SECURE, "https_proxy", "http://p")).isEqualTo(to("p", 80));
    assertThat(proxy(SECURE, "http_proxy", "p:3128")).isEmpty();
    assertThat(proxy(plain, "http_proxy", "p:3128")).isEqualTo(to("p", 3128));
    assertThat(proxy(SECURE, "ALL_PROXY", "p:3128")).isEqualTo(to("p", 3128));
    assertThat(proxy(SECURE, "https_proxy", "a:1", "all_proxy", "b:2")).isEqualTo(to("a", 1));
  }

  @Test
  void exceptionsGoDirect() {
    for (String exceptions :
        new String[] {
          "*", "data.example.org", "x, .EXAMPLE.org", "*.example.org", "a b example.org"
        }) {
      assertThat(proxy(SECURE, "https_proxy", "p:1", "no_proxy", exceptions))
          .as(exceptions)
          .contains(Proxy.NO_PROXY);
    }
    for (String exceptions : new String[] {"", "ample.org", "org.example", "other", ",,"}) {
      assertThat(proxy(SECURE, "https_proxy", "p:1", "NO_PROXY", exceptions))
          .as(exceptions)
          .isEqualTo(to("p", 1));
    }
  }

  @Test
  void unusableValuesAreNamedAndNotRepeated() {
    for (String value :
        new String[] {
          "http://u:secret@p:1", "socks5://secret:1", "https://secret", "secret host"
        }) {
      assertThatThrownBy(() -> proxy(SECURE, "https_proxy", value))
          .hasMessageContaining("https_proxy")
          .hasMessageNotContaining("secret")
          .extracting(e -> ((DistillException) e).exitCode())
          .isEqualTo(ExitCode.DATA);
    }
  }
}
