using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using MlNetIcl.Models.Safetensors;

namespace MlNetIcl.Models.Gguf;

/// <summary>A place in a mapped file that moves on as values are read. Nothing is read, and nothing allocated, before it is known to lie in the file.</summary>
internal struct GgufCursor(MappedFile file, string path, long position)
{
    /// <summary>The next byte to be read, counted from the start of the file.</summary>
    public long Position { get; private set; } = position;

    private readonly long Left => file.Length - Position;

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

    /// <summary>A string of at most <paramref name="most"/> bytes.</summary>
    public string String(string what, int most)
    {
        ulong length = UInt64(what);
        if (length > (ulong)Left) throw Truncated(what, length);
        if (length > (ulong)most) throw new ModelFormatException($"'{path}': {what} has {length} bytes; at most {most} are allowed.");
        var bytes = Take((int)length, what);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw new ModelFormatException($"'{path}': {what} is not valid UTF-8.");
    }

    /// <summary>Passes over a string.</summary>
    public void SkipString(string what) => Skip(UInt64(what), 1, what);

    /// <summary>A number of things of which each takes at least <paramref name="bytes"/> bytes of what follows.</summary>
    public long Count(string what, int bytes)
    {
        ulong count = UInt64(what);
        if (count > (ulong)(Left / bytes)) throw Truncated($"{count} {what}", null);
        return (long)count;
    }

    /// <summary>Passes over <paramref name="count"/> things of so many bytes.</summary>
    public void Skip(ulong count, int bytes, string what)
    {
        if (count > (ulong)(Left / bytes)) throw Truncated(what, bytes == 1 ? count : null);
        Position += (long)count * bytes;
    }

    public ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > Left) throw Truncated(what, (ulong)count);
        var bytes = file.Slice(Position, count);
        Position += count;
        return bytes;
    }

    private readonly ModelFormatException Truncated(string what, ulong? bytes) =>
        new($"'{path}': {what} at byte {Position} {(bytes is { } b ? $"would take {b} bytes" : "would go on")} beyond the end of the file ({file.Length} bytes). The file is truncated or damaged.");
}
