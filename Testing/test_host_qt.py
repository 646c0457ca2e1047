"""Qt on the host behaves as in Slicer's Python (PythonQt), and refuses what that refuses."""

import types

import pytest
from host import api

GUARDED = str(api.PROJECT / "TransferSeg" / "TransferSegGUI" / "example.py")


def _as_module(code, **names):
    """Run code as if it were a file of the module."""
    room = dict(names)
    exec(compile(code, GUARDED, "exec"), room)
    return types.SimpleNamespace(**room)


def test_properties_are_attributes(app):
    import qt

    label, line, box, table = qt.QLabel("a"), qt.QLineEdit(), qt.QCheckBox(), qt.QTableWidget(2, 3)
    label.text = "b"
    line.text = "c"
    box.checked = True
    assert (label.text, line.text, box.checked, table.rowCount, table.columnCount) == ("b", "c", True, 2, 3)
    with pytest.raises(TypeError):
        line.text()


def test_unknown_attributes_are_refused(app):
    import qt

    table = qt.QTableWidget(1, 1)
    widgets = (qt.QLabel(), qt.QPushButton(), table.horizontalHeader(), qt.QTableWidgetItem(), qt.QTimer())
    for widget in widgets:
        with pytest.raises(AttributeError):
            widget.txt = "x"
    with pytest.raises(AttributeError):
        widgets[3].text = "x"
    with pytest.raises(AttributeError):
        widgets[0].sizeHint = qt.QSize(1, 1)


def test_properties_of_widgets_that_qt_made(app):
    import qt

    table = qt.QTableWidget(1, 1)
    table.horizontalHeader().stretchLastSection = True
    assert table.horizontalHeader().stretchLastSection is True


@pytest.mark.usefixtures("slicer_members")
def test_the_module_meets_only_what_slicer_has(app):
    import qt

    assert qt.QComboBox().toolTipDuration is not None
    for code in ("label.setTextt('x')", "label.editTextChanged", "button.isDefaulted()", "combo.labelDrawingMode"):
        with pytest.raises(AttributeError):
            _as_module(code, label=qt.QLabel(), button=qt.QPushButton(), combo=qt.QComboBox())
    room = _as_module(
        "box.setText('x'); box.objectName = 'n'; kind = box.className(); name = box.name", box=qt.QLabel()
    )
    assert (room.kind, room.name) == ("QLabel", "n")


def test_connections_in_both_spellings(app):
    import qt

    got = []
    button = qt.QPushButton()
    button.checkable = True
    button.clicked.connect(lambda: got.append("plain"))
    button.connect("clicked(bool)", lambda checked: got.append(checked))
    button.connect("clicked()", lambda: got.append("none"))
    button.click()
    assert got == ["plain", True, "none"]
    with pytest.raises(AttributeError):
        button.connect("clickd(bool)", print)
    button.disconnect("clicked()")
    button.click()
    assert got[3:] == []


def test_how_many_arguments_a_function_gets(app):
    import functools
    import gc

    import qt

    got = []
    button = qt.QPushButton()
    button.checkable = True

    class Receiver:
        def everything(self, *values):
            got.append(values)

    button.clicked.connect(functools.partial(lambda *values: got.append(values), "first"))
    button.clicked.connect(Receiver().everything)
    button.clicked.connect(lambda checked, name="kept": got.append((checked, name)))
    button.clicked.connect(lambda number=7: got.append(number))
    gc.collect()
    button.click()
    assert got == [("first", True), (True,), (True, "kept"), True]


def test_lists_are_tuples_for_the_module(app):
    import qt

    room = _as_module("items = table.selectedItems(); children = table.children()", table=qt.QTableWidget(1, 1))
    assert room.items == ()
    assert isinstance(room.children, tuple)


def test_enumerations_are_integers(app):
    import qt

    assert qt.QMessageBox.Yes == 16384
    assert int(qt.Qt.AlignLeft) == 1
    item = qt.QTableWidgetItem("x")
    item.setFlags(item.flags() & ~qt.Qt.ItemIsEditable)
    assert not item.flags() & qt.Qt.ItemIsEditable


def test_dialogs_are_noted_and_answered(dialogs):
    import qt
    import slicer

    dialogs.answer(qt.QMessageBox.No)
    assert slicer.util.confirmYesNoDisplay("Really?") is False
    assert slicer.util.confirmOkCancelDisplay("Sure?") is True
    slicer.util.errorDisplay("Broken.", detailedText="why")
    assert dialogs.texts == ["Really?", "Sure?", "Broken."]
    assert dialogs.shown[2].details == "why"
    dialogs.answer("/somewhere")
    assert qt.QFileDialog.getExistingDirectory(None, "Where?") == "/somewhere"
    assert qt.QFileDialog.getOpenFileName(None, "Which?", "", "*.zip") == ""
    box = qt.QMessageBox()
    keep = box.addButton("Keep", qt.QMessageBox.AcceptRole)
    box.addButton("Drop", qt.QMessageBox.RejectRole)
    dialogs.answer("Keep")
    box.exec_()
    assert box.clickedButton() is keep
    with pytest.raises(AssertionError, match="would wait"):
        qt.QDialog().exec_()


def test_without_a_main_window(app):
    import slicer

    assert slicer.util.mainWindow() is not None
    with app._without_main_window():
        assert slicer.util.mainWindow() is None
        assert slicer.app.layoutManager() is None
    assert slicer.app.layoutManager() is not None


def test_destroyed_objects_raise_what_pythonqt_raises(app):
    import qt

    label = qt.QLabel("a")
    label.delete()
    with pytest.raises(ValueError, match="destroyed"):
        label.setText("b")
    with pytest.raises(ValueError):
        hasattr(label, "text")


def test_collapsed_contents(app):
    """As CTK does: what others have hidden stays hidden when the box is expanded."""
    import ctk
    import qt

    window = qt.QWidget()
    rows = qt.QVBoxLayout(window)
    box = ctk.ctkCollapsibleButton()
    box.collapsed = True
    rows.addWidget(box)
    inside = qt.QVBoxLayout(box)
    first, second, late = qt.QLabel("a"), qt.QLabel("b"), qt.QLabel("c")
    inside.addWidget(first)
    inside.addWidget(second)
    second.setVisible(False)
    window.show()
    inside.addWidget(late)
    app.processEvents()
    assert not any(label.visible for label in (first, second, late))
    box.collapsed = False
    assert [label.visible for label in (first, second, late)] == [True, False, True]
    box.collapsed = True
    second.setVisible(True)
    assert not second.visible
    first.setVisible(False)
    box.click()
    assert (first.visible, second.visible) == (False, True)
