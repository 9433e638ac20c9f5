import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads lines of `hex(pattern) hex(input)`; prints `matches find` as 0 or 1, or `E` for a wrong pattern. */
public class JavaRegex {
    static String text(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, true, "US-ASCII");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split(" ", -1);
            try {
                Pattern pattern = Pattern.compile(text(parts[0].substring(1)));
                Matcher matcher = pattern.matcher(text(parts[1].substring(1)));
                boolean whole = matcher.matches();
                matcher.reset();
                out.println((whole ? 1 : 0) + " " + (matcher.find() ? 1 : 0));
            } catch (RuntimeException | StackOverflowError error) {
                out.println("E");
            }
        }
    }
}
