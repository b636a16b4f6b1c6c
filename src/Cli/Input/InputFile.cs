using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Input;

/// <summary>Files that the command line names, read whole and never without bound.</summary>
internal static class InputFile
{
    /// <summary>The bytes without a byte order mark.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it should be, as in <c>token file</c>.</param>
    /// <param name="longest">The most bytes that are read.</param>
    /// <exception cref="InputException">The file is missing, a folder or too long.</exception>
    public static byte[] Read(string path, string what, long longest)
    {
        if (Directory.Exists(path)) throw new InputException($"'{path}' is a folder; expected a {what}.");
        if (!File.Exists(path)) throw new InputException($"There is no {what} '{path}'.");
        using var file = File.OpenRead(path);
        if (file.Length > longest) throw new InputException($"{char.ToUpperInvariant(what[0])}{what[1..]} '{path}' has {file.Length:N0} bytes; at most {longest:N0} are read. Split it.");
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
    }
}
