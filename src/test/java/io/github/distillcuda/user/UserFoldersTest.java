package io.github.distillcuda.user;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UserFoldersTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          XDG_CACHE_HOME | HOME    | system  | home    | cache
          -              | -       | /system | /system | /system/.cache/distill-cuda
          -              | /chosen | /system | /chosen | /chosen/.cache/distill-cuda
          -              | ''      | /system | /system | /system/.cache/distill-cuda
          -              | chosen  | /system | /system | /system/.cache/distill-cuda
          /cache         | /chosen | /system | /chosen | /cache/distill-cuda
          cache          | /chosen | /system | /chosen | /chosen/.cache/distill-cuda
          ''             | -       | /system | /system | /system/.cache/distill-cuda
          /cache         | -       | ?       | -       | /cache/distill-cuda
          -              | -       | ?       | -       | -
          """,
      useHeadersInDisplayName = true)
  void theEnvironmentHasTheFirstWord(
      String xdg, String home, String system, Path homeFolder, Path cacheFolder) {
    Map<String, String> variables = new HashMap<>();
    variables.put("XDG_CACHE_HOME", xdg);
    variables.put("HOME", home);
    UserFolders folders = UserFolders.of(variables::get, system);
    assertThat(folders.home()).isEqualTo(Optional.ofNullable(homeFolder));
    assertThat(folders.cache()).isEqualTo(Optional.ofNullable(cacheFolder));
  }
}
