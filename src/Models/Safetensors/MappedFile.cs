using System.IO.MemoryMappedFiles;

namespace MlNetIcl.Models.Safetensors;

/// <summary>A file mapped into memory, or a resource that is there already, for reading. Slices are valid until it is disposed.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _start;

    /// <summary>Maps the whole of an open file, which must not be empty.</summary>
    public MappedFile(FileStream file)
    {
        Length = file.Length;
        _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>Reads a resource where it lies; its memory lives as long as its assembly.</summary>
    public MappedFile(UnmanagedMemoryStream resource)
    {
        Length = resource.Length;
        _start = resource.PositionPointer;
    }

    /// <summary>Bytes in the file.</summary>
    public long Length { get; }

    /// <summary>A part of the file.</summary>
    public ReadOnlySpan<byte> Slice(long start, int count) => new(At(start, count), count);

    /// <summary>The address of a part of the file, of any length.</summary>
    public byte* At(long start, long count)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - count);
        return _start + start;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_start is null) return;
        _start = null;
        _view?.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _map?.Dispose();
    }
}
