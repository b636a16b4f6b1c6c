using MlNetIcl.Reports.Files;

namespace MlNetIcl.Reports.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("icl-reports-");

    private string Target => Path.Combine(_folder.FullName, "out.txt");

    public void Dispose() => _folder.Delete(recursive: true);

    private void AssertOnly(string content)
    {
        Assert.Equal(content, File.ReadAllText(Target));
        Assert.Equal(["out.txt"], _folder.GetFileSystemInfos().Select(f => f.Name));
    }

    [Fact]
    public void Write_NewContent_ReplacesTheOld()
    {
        File.WriteAllText(Target, "a much longer old content");
        AtomicFile.Write(Target, stream => stream.Write("new"u8));

        AssertOnly("new");
    }

    [Fact]
    public void Write_WriterThrowsHalfWay_LeavesTheOldFileAndNothingElse()
    {
        File.WriteAllText(Target, "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(Target, stream =>
        {
            stream.Write("half of it"u8);
            throw new InvalidOperationException();
        }));

        AssertOnly("old");
    }

    [Fact]
    public void Write_CancelledWhileWriting_LeavesTheOldFileAndNothingElse()
    {
        using var cancel = new CancellationTokenSource();
        File.WriteAllText(Target, "old");
        Assert.ThrowsAny<OperationCanceledException>(() => AtomicFile.Write(Target, stream =>
        {
            stream.Write("all of it"u8);
            cancel.Cancel();
        }, cancel.Token));

        AssertOnly("old");
    }

    [Fact]
    public void RequireWritable_AFileThatCanBe_LeavesItAndNothingElse()
    {
        File.WriteAllText(Target, "old");
        AtomicFile.RequireWritable(Target);
        AtomicFile.RequireWritable(Path.Combine(_folder.FullName, "new.txt"));

        AssertOnly("old");
    }

    [Fact]
    public void RequireWritable_WhatCannotBeWritten_Throws()
    {
        Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.RequireWritable(Path.Combine(_folder.FullName, "none", "out.txt")));
        Assert.Throws<IOException>(() => AtomicFile.RequireWritable(_folder.FullName));
        if (!OperatingSystem.IsLinux()) return;
        Assert.Throws<FileNotFoundException>(() => AtomicFile.RequireWritable("/proc/none.txt"));
        Assert.ThrowsAny<SystemException>(() => AtomicFile.RequireWritable("/sys/none.txt")); // root may do everything else
        AtomicFile.RequireWritable("/dev/null");
    }

    [Fact]
    public void Replace_WriterThatWantsAPath_GetsOneBesideTheTarget()
    {
        AtomicFile.Replace(Target, path =>
        {
            Assert.Equal(_folder.FullName, Path.GetDirectoryName(path));
            File.WriteAllText(path, "x");
        });

        AssertOnly("x");
    }

    [SkippableFact]
    public void Write_ThroughALink_ReplacesWhatItLeadsTo()
    {
        Skip.If(OperatingSystem.IsWindows(), "Links need rights there.");
        File.WriteAllText(Target, "old");
        string link = Path.Combine(_folder.FullName, "link");
        File.CreateSymbolicLink(link, Target);
        AtomicFile.Write(link, stream => stream.Write("new"u8));

        Assert.Equal("new", File.ReadAllText(Target));
        Assert.NotNull(new FileInfo(link).LinkTarget);
    }

    [SkippableFact]
    public void Write_Device_WritesToItAndLeavesItADevice()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Devices are Linux's.");
        AtomicFile.Write("/dev/null", stream => stream.Write("gone"u8));

        Assert.Equal("", File.ReadAllText("/dev/null"));
        Assert.Throws<IOException>(() => AtomicFile.Write("/dev/full", stream => stream.Write("no room"u8)));
    }

    [Fact]
    public void Write_FolderAsTarget_Throws() => Assert.Throws<IOException>(() => AtomicFile.Write(_folder.FullName, _ => { }));

    [Fact]
    public void Write_FolderMissing_Throws() =>
        Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.Write(Path.Combine(_folder.FullName, "no", "out.txt"), stream => stream.Write("x"u8)));
}
