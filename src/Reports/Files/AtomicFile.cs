namespace MlNetIcl.Reports.Files;

/// <summary>Writes files that appear whole or not at all: into a neighbour first, then renamed over the target.</summary>
/// <remarks>A link stays a link, and its target is replaced. Devices and pipes (<c>/dev</c>, <c>/proc</c>) cannot be replaced and are written to.</remarks>
public static class AtomicFile
{
    /// <summary>Writes a file through a stream. If <paramref name="write"/> throws or the token is cancelled, an older file stays as it was and nothing is left behind.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="write">Writes the content.</param>
    /// <param name="cancellationToken">Checked before the file takes its place.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Write(string path, Action<Stream> write, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(write);
        Replace(path, temporary =>
        {
            using var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            write(stream);
            stream.Flush(flushToDisk: true);
        }, cancellationToken);
    }

    /// <summary>The same for a writer that wants a path: <paramref name="write"/> gets that of a file that does not exist yet, in the target's folder.</summary>
    /// <inheritdoc cref="Write(string, Action{Stream}, CancellationToken)"/>
    public static void Replace(string path, Action<string> write, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var (target, temporary, isDevice) = Places(path);
        try
        {
            write(temporary);
            cancellationToken.ThrowIfCancellationRequested();
            if (isDevice) Copy(temporary, target);
            else File.Move(temporary, target, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Finds out whether a file can be written, before work is spent on what it is to hold. Nothing is left behind, an older file stays as it was.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void RequireWritable(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var (target, temporary, isDevice) = Places(path);
        // A device is not opened: that may wait for its other end, or tell it of an end.
        if (isDevice && !File.Exists(target)) throw new FileNotFoundException($"There is no device '{path}'.");
        if (!isDevice) new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose).Dispose();
    }

    /// <summary>Where a file goes in the end, links followed, and where it is written first.</summary>
    private static (string Target, string Temporary, bool IsDevice) Places(string path)
    {
        string target = Path.GetFullPath(path);
        bool isDevice = IsDevice(target);
        if (!isDevice && new FileInfo(target) is { LinkTarget: not null } link)
        {
            target = link.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
            isDevice = IsDevice(target);
        }
        if (Directory.Exists(target)) throw new IOException($"Cannot write '{path}': it is a folder.");
        return (target, Path.Combine(isDevice ? Path.GetTempPath() : Path.GetDirectoryName(target)!, $".{Path.GetRandomFileName()}.tmp"), isDevice);
    }

    // .NET does not tell a device from a file, and renaming over a device would destroy it.
    private static bool IsDevice(string path) => !OperatingSystem.IsWindows()
        && (path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal))
        && !path.StartsWith("/dev/shm/", StringComparison.Ordinal);

    private static void Copy(string file, string device)
    {
        using var from = File.OpenRead(file);
        using var to = new FileStream(device, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        from.CopyTo(to);
    }
}
